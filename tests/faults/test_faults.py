"""Each stage under each fault: the message is clear, no output is half there, and the same command goes on.

`docs/faults.md` lists which test covers which stage and fault.
"""

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.faults.conftest import STAGES, outcome
from tests.faults.verb_server import NO_MOUNT

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="limits and kills processes as Linux does"),
    pytest.mark.timeout(900),
]
every_stage = pytest.mark.parametrize("stage", STAGES, indirect=True)
INTERRUPTED = 130


def seldom(value):
    """Return a further value of a parameter, of which the ordinary tests do without."""
    return [pytest.param(value, marks=pytest.mark.nightly)]


def require_whole_or_absent(stage, out):
    """See that what is there of the outputs is what an undisturbed run writes."""
    for name, content in outcome(out).items():
        if name in stage.whole and not name.startswith("resume/"):
            assert content == stage.whole[name], name


# What a stage resumes from, the fewest lines that it has then, and what is said.
RESUMED = {
    "train": ("resume/checkpoint.bin", 0, "resuming from the checkpoint: epoch "),
    # A call is a line, under that of the columns.
    "optimize": ("resume/calls.csv", 2, "calls.csv: resuming after "),
}


def has_leftovers(stage, out):
    """Return whether there is something to resume from."""
    if stage.name not in RESUMED:
        return False
    name, n_lines, _ = RESUMED[stage.name]
    return (out / name).exists() and (out / name).read_bytes().count(b"\n") >= n_lines


def require_same_command_goes_on(server, stage, out):
    is_resumed = has_leftovers(stage, out)
    verb = server.start(stage.command(out))
    assert verb.wait() == 0, verb.said
    assert outcome(out) == stage.whole
    if is_resumed:
        assert RESUMED[stage.name][2] in verb.said


def end_half_way(server, stage, out, number, fraction):
    """Send a signal after a fraction of the time that the stage takes, and return how it ended.

    If it was faster this time and has ended before, it is begun anew and ended earlier.
    """
    for attempt in range(5):
        verb = server.start(stage.command(out))
        time.sleep(fraction * stage.seconds / 2**attempt)
        os.kill(verb.pid, number)
        if (status := verb.wait()) != 0:
            return status, verb.said
        shutil.rmtree(out)
    return pytest.fail(f"ended before each signal: {verb.said}")


@every_stage
@pytest.mark.parametrize("number", [signal.SIGKILL, *seldom(signal.SIGTERM), signal.SIGINT], ids=lambda n: n.name)
def test_a_stage_that_is_ended_at_any_moment_goes_on(server, stage, number, tmp_path):
    rng = random.Random(f"{stage.name} {number}")
    out = tmp_path / "out"
    late = [rng.uniform(0.4, 0.95)] if number == signal.SIGKILL else []
    for fraction in [rng.uniform(0.05, 0.95 if not late else 0.4), *late]:
        status, said = end_half_way(server, stage, out, number, fraction)
        if number == signal.SIGKILL:
            assert status == -signal.SIGKILL, said
        else:
            assert status == INTERRUPTED, said
            assert "interrupted; every output is complete or absent" in said
        require_whole_or_absent(stage, out)
    require_same_command_goes_on(server, stage, out)


@pytest.mark.parametrize("stage", RESUMED, indirect=True)
def test_a_stage_that_is_killed_after_some_work_says_that_it_resumes(server, stage, tmp_path):
    out = tmp_path / "out"
    verb = server.start(stage.command(out))
    deadline = time.monotonic() + 60
    while not has_leftovers(stage, out):
        assert time.monotonic() < deadline, verb.said
        time.sleep(0.001)
    os.kill(verb.pid, signal.SIGKILL)
    assert verb.wait() == -signal.SIGKILL, verb.said
    assert has_leftovers(stage, out)
    require_same_command_goes_on(server, stage, out)


@every_stage
@pytest.mark.parametrize("file_bytes", [2000, *seldom(60_000)])
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
    verb = server.start(stage.command(out), read_only=str(out))
    status = verb.wait()
    if status == NO_MOUNT:
        pytest.skip("needs a system that lets root mount a folder read-only")
    assert status == 1, verb.said
    assert "expected a writable folder, found otherwise" in verb.error
    # No line of the work is before it.
    assert verb.said.splitlines() == [verb.error]
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
@pytest.mark.parametrize("damage", ["half", *seldom("other")])
def test_a_damaged_input_is_named(server, stage, damage, tmp_path):
    for file in stage.inputs:
        content = file.read_bytes()
        try:
            file.write_bytes({"half": content[: len(content) // 2], "other": b"<html>no</html>"}[damage])
            verb = server.start(stage.command(tmp_path / "out"))
            assert verb.wait() in (1, 2), verb.said
            assert any(f"{path}: " in verb.error for path in (file, file.parent)), verb.error
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
