"""Each stage under each fault: the message is clear, no output is half there, and the same command goes on.

`docs/faults.md` lists which test covers which stage and fault.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.faults.conftest import STAGES, outcome
from tests.faults.verb_server import NO_MOUNT

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="limits and kills processes as Linux does"),
    pytest.mark.timeout(300),
]
every_stage = pytest.mark.parametrize("stage", STAGES, indirect=True)
INTERRUPTED = 130


def require_whole_or_absent(stage, out):
    """See that what is there of the outputs is what an undisturbed run writes."""
    for name, content in outcome(out).items():
        if name in stage.whole and not name.startswith("resume/"):
            assert content == stage.whole[name], name


def require_same_command_goes_on(server, stage, out):
    verb = server.start(stage.command(out))
    assert verb.wait() == 0, verb.said
    assert outcome(out) == stage.whole


@every_stage
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_stage_that_is_ended_at_any_moment_goes_on(server, stage, number, tmp_path):
    rng = random.Random(f"{stage.name} {number}")
    out = tmp_path / "out"
    late = [rng.uniform(0.4, 0.95)] if number == signal.SIGKILL else []
    for fraction in [rng.uniform(0.05, 0.95 if not late else 0.4), *late]:
        verb = server.start(stage.command(out))
        time.sleep(fraction * stage.seconds)
        os.kill(verb.pid, number)
        status = verb.wait()
        if number == signal.SIGKILL:
            assert status in (-signal.SIGKILL, 0)
        else:
            assert status in (INTERRUPTED, 0), verb.said
            assert status == 0 or "interrupted; every output is complete or absent" in verb.said
        require_whole_or_absent(stage, out)
    require_same_command_goes_on(server, stage, out)


@every_stage
@pytest.mark.parametrize("file_bytes", [2000, 60_000])
def test_a_full_disk_is_one_clear_line(server, stage, file_bytes, tmp_path):
    largest = max(len(content) for content in stage.whole.values())
    out = tmp_path / "out"
    verb = server.start(stage.command(out), file_bytes=file_bytes)
    status = verb.wait()
    if status == 0:
        assert largest <= file_bytes
    else:
        assert status == 1, verb.said
        assert "expected room on the disk" in verb.error
        require_whole_or_absent(stage, out)
    require_same_command_goes_on(server, stage, out)


@every_stage
def test_a_folder_that_is_read_only_is_told_before_the_work(server, stage, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    begin = time.monotonic()
    verb = server.start(stage.command(out), read_only=str(out))
    status = verb.wait()
    if status == NO_MOUNT:
        pytest.skip("needs a system that lets root mount a folder read-only")
    assert status == 1, verb.said
    assert "expected a writable folder, found otherwise" in verb.error
    assert time.monotonic() - begin < max(2.0, stage.seconds)
    assert not list(out.iterdir())
    out.chmod(0o755)
    require_same_command_goes_on(server, stage, out)


@every_stage
@pytest.mark.nightly
@pytest.mark.parametrize("megabytes", [8, 200])
def test_memory_that_runs_out_ends_the_stage_and_loses_nothing(server, stage, megabytes, tmp_path):
    out = tmp_path / "out"
    verb = server.start(stage.command(out), memory_bytes=megabytes * 1_000_000)
    # A library that aborts, or ends the process, has no words of ours; what ends in Python has one line. Arrow waits
    # for good for a thread that it could not start, and has to be killed. The C library exits with 127 where it has no
    # memory for the variables of a new thread.
    status, has_hung = verb.wait_or_kill(10.0 + 3.0 * stage.seconds)
    is_explained = "molvae: error: " in verb.said or "OpenBLAS error: Memory allocation" in verb.said
    is_c_library = status == 127 and "cannot allocate memory for thread-local data" in verb.said
    assert has_hung or status <= 0 or is_c_library or (status == 1 and is_explained), verb.said
    require_whole_or_absent(stage, out)
    require_same_command_goes_on(server, stage, out)


@every_stage
@pytest.mark.parametrize("damage", ["half", "other"])
def test_a_damaged_input_is_named(server, stage, damage, tmp_path):
    for file in stage.inputs:
        content = file.read_bytes()
        try:
            file.write_bytes({"half": content[: len(content) // 2], "other": b"<html>no</html>"}[damage])
            verb = server.start(stage.command(tmp_path / "out"))
            assert verb.wait() in (1, 2), verb.said
            assert file.name in verb.error or file.parent.name in verb.error
            assert "unexpected" not in verb.error
        finally:
            file.write_bytes(content)
    require_same_command_goes_on(server, stage, tmp_path / "out")


def test_no_module_asks_a_clock_that_may_jump():
    """Only the date of the provenance, and how old a log is to who watches it, come from the clock on the wall.

    All durations are of the monotonic one; nothing is decided by the age of a log.
    """
    import molvae

    package = Path(molvae.__file__).parent
    asks = ("time.time(", "time.time_ns(", "datetime.now(", "datetime.today(", "date.today(", "utcnow(")
    found = {
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        if any(ask in file.read_text() for ask in asks)
    }
    assert found == {"provenance.py", "watching.py"}
