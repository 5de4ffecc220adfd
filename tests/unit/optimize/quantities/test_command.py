"""Users' own programs."""

import sys
import time

import pytest
from pydantic import ValidationError

from molvae.errors import ObjectiveError
from molvae.optimize.quantities.base import Failure
from molvae.optimize.quantities.command import Command, command_function


def script(folder, body, name="score.py"):
    file = folder / name
    file.write_text(body)
    return f"{sys.executable} {name}"


LENGTHS = "import sys\nfor line in sys.stdin:\n    print(len(line.strip()))\n"


def test_a_command_runs_beside_the_objective(tmp_path):
    assert command_function(script(tmp_path, LENGTHS), tmp_path, 20)(["CCO", "C"]) == [3.0, 1.0]


def test_a_line_that_is_no_number_fails_its_molecule_and_is_shown(tmp_path):
    values = command_function(script(tmp_path, "print(1.5)\nprint('failed')\nprint()\n"), tmp_path, 20)(["C", "N", "O"])
    assert values == [1.5, Failure("expected a number, found 'failed'"), Failure("expected a number, found ''")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "print('Dock 3.1, 4 threads')\n" + LENGTHS,
            "expected 2 numbers for 2 molecules, found 3 lines, one of them 'Dock 3.1",
        ),
        (LENGTHS + "print(7)\n", "found 3 lines, one of them '7'"),
        ("print(1)\n", "found 1 lines$"),
    ],
)
def test_a_program_that_says_too_much_or_too_little_is_told_which_line_it_is(tmp_path, body, said):
    with pytest.raises(ValueError, match=said):
        command_function(script(tmp_path, body), tmp_path, 20)(["C", "CC"])


def test_a_path_with_blanks_is_answered_with_how_to_quote_it(tmp_path):
    folder = tmp_path / "two words"
    folder.mkdir()
    (folder / "run.sh").write_text("#!/bin/sh\nwhile read smiles; do echo 1; done\n")
    (folder / "run.sh").chmod(0o755)
    with pytest.raises(ObjectiveError) as refusal:
        command_function("./two words/run.sh --fast", tmp_path, None)
    assert str(refusal.value).endswith(
        """put quotes around a path with blanks: command: '"./two words/run.sh" --fast'"""
    )
    assert command_function('"./two words/run.sh" --fast', tmp_path, None)(["C"]) == [1.0]


@pytest.mark.parametrize("command", ["./it's.sh", "'", "  ", ""])
def test_what_a_shell_would_not_read_is_refused(command):
    with pytest.raises(ValidationError, match="expected a program and its arguments"):
        Command(command=command)


def test_an_exit_status_is_an_error_with_the_last_words(tmp_path):
    with pytest.raises(RuntimeError, match="exit status 1: no licence"):
        command_function(script(tmp_path, "import sys\nsys.exit('first\\nno licence')\n"), tmp_path, None)(["C"])


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path):
    hang = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    begin = time.monotonic()
    with pytest.raises(Exception, match="timed out"):
        command_function(script(tmp_path, hang), tmp_path, 0.5)(["C", "CC"])
    assert time.monotonic() - begin < 20


def test_a_missing_program_is_named(tmp_path):
    with pytest.raises(ObjectiveError, match=r"found no \./dock\.sh"):
        command_function("./dock.sh --fast", tmp_path, None)
    with pytest.raises(ObjectiveError, match="found no no-such-program"):
        command_function("no-such-program", tmp_path, None)


def test_what_is_no_utf_8_is_told_and_fails_its_molecule_alone(tmp_path):
    body = "import sys\nsys.stdout.buffer.write(b'1.5\\nungr\\xfc\\xdf\\n')\nsys.stderr.buffer.write(b'\\xfc')\n"
    values = command_function(script(tmp_path, body), tmp_path, 20)(["C", "N"])
    assert values == [1.5, Failure("expected a number, found 'ungr\ufffd\ufffd'")]


def test_a_program_that_has_ended_hides_no_error(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise UnicodeDecodeError("utf-8", b"\xfc", 0, 1, "invalid start byte")

    monkeypatch.setattr("subprocess.Popen.communicate", fail)
    monkeypatch.setattr("os.killpg", lambda *_: (_ for _ in ()).throw(ProcessLookupError()))
    with pytest.raises(UnicodeDecodeError):
        command_function(script(tmp_path, LENGTHS), tmp_path, 20)(["C"])
