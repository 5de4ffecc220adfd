"""Users' own programs."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from molvae.errors import ObjectiveError
from molvae.optimize.quantities.base import Failure, Molecule
from molvae.optimize.quantities.command import Command, command_function

ROOT = Path(__file__).parents[4]


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
    with pytest.raises(RuntimeError, match=r"exit status 1: second \| third \| no licence$"):
        command_function(
            script(tmp_path, "import sys\nsys.exit('first\\nsecond\\n\\nthird\\nno licence')\n"), tmp_path, None
        )(["C"])


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path):
    hang = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    begin = time.monotonic()
    with pytest.raises(Exception, match=r"no answer within 1 s"):
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
    assert values == [1.5, Failure("expected a number, found 'ungr\ufffd\ufffd': \ufffd")]


def test_a_program_that_has_ended_hides_no_error(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise UnicodeDecodeError("utf-8", b"\xfc", 0, 1, "invalid start byte")

    monkeypatch.setattr("subprocess.Popen.communicate", fail)
    monkeypatch.setattr("os.killpg", lambda *_: (_ for _ in ()).throw(ProcessLookupError()))
    with pytest.raises(UnicodeDecodeError):
        command_function(script(tmp_path, LENGTHS), tmp_path, 20)(["C"])


def measured(folder, body, smiles, timeout_s=None):
    """Return the values of the quantity, and how often its program was started."""
    command = script(folder, "open('starts', 'a').write('x')\n" + body)
    molecules = [Molecule(text, None) for text in smiles]
    values = Command(command=command, timeout_s=timeout_s).measure(folder)(molecules)
    return values, len((folder / "starts").read_text())


ENDS_AT_N = """import sys
for line in sys.stdin:
    if line.strip() == 'N':
        print('cannot embed N', file=sys.stderr)
        {end}
    print(len(line.strip()), flush=True)
"""


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("sys.exit(4)", "RuntimeError: exit status 4: cannot embed N"),
        ("import os; os.kill(os.getpid(), 11)", "RuntimeError: ended by SIGSEGV: cannot embed N"),
        ("sys.stderr.flush(); import time; time.sleep(60)", "RuntimeError: no answer within 1 s: cannot embed N"),
    ],
)
def test_what_a_program_wrote_before_it_ended_is_kept(tmp_path, end, said):
    values, n_starts = measured(tmp_path, ENDS_AT_N.format(end=end), ["C", "CC", "N", "CCC", "CCCC"], 1.0)
    assert values == [1.0, 2.0, Failure(said), 3.0, 4.0]
    # All of them, the one that it ended at, and those after it.
    assert n_starts == 3


@pytest.mark.parametrize("before", ["print('Dock 3.1')", "print(1, end='')"])
def test_numbers_whose_molecules_are_not_known_are_not_kept(tmp_path, before):
    values, _ = measured(tmp_path, f"import sys\n{before}\nsys.exit(1)\n", ["C", "CC", "CCC"])
    assert all(isinstance(value, Failure) for value in values)


def test_a_program_that_cannot_work_is_not_tried_on_every_molecule(tmp_path):
    values, n_starts = measured(tmp_path, "import sys\nsys.exit('no licence')\n", ["C" * n for n in range(1, 26)])
    assert values == [Failure("RuntimeError: exit status 1: no licence")] * 25
    assert n_starts == 4


def test_a_script_whose_path_has_blanks_is_answered_with_how_to_quote_it(tmp_path):
    folder = tmp_path / "two words"
    folder.mkdir()
    (folder / "run.sh").write_text("while read smiles; do echo 1; done\n")
    with pytest.raises(ObjectiveError) as refusal:
        command_function("sh two words/run.sh --fast", tmp_path, None)
    assert str(refusal.value).endswith("""with blanks: command: 'sh "two words/run.sh" --fast'""")
    assert command_function('sh "two words/run.sh" --fast', tmp_path, None)(["C"]) == [1.0]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no prlimit")
def test_a_program_that_takes_more_memory_than_its_limit_fails_alone(tmp_path):
    hungry = "import sys\nfor line in sys.stdin:\n    print(len(bytes(400_000_000 if 'N' in line else 10)))\n"
    command = Command(command=script(tmp_path, hungry), memory_gb=0.3)
    values = command.measure(tmp_path)([Molecule(text, None) for text in ("C", "N", "CC")])
    assert values[0] == values[2] == 10.0
    assert "MemoryError" in values[1].reason


def test_nothing_of_a_molecule_reaches_a_shell(tmp_path):
    command = "sh -c 'while read line; do echo 1; done'"
    hostile = ["$(touch pwned)", "`touch pwned`", "C; touch pwned", "C' && touch pwned", "| touch pwned"]
    assert command_function(command, tmp_path, 20)(hostile) == [1.0] * 5
    assert command_function("echo 1 ; touch pwned $(touch pwned) | cat", tmp_path, 20)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_a_program_and_its_children_end_when_molvae_is_killed(tmp_path):
    (tmp_path / "hang.sh").write_text("sleep 61.25 &\necho $! $$ > pids\nwait\n")
    code = (
        "from pathlib import Path\nfrom molvae.optimize.quantities.command import command_function\n"
        "command_function('sh hang.sh', Path(), None)(['C'])\n"
    )
    killed = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    end = time.monotonic() + 60
    while not (tmp_path / "pids").exists() or not (tmp_path / "pids").read_text().strip():
        assert killed.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    for pid in (tmp_path / "pids").read_text().split():
        while Path(f"/proc/{pid}").exists() and "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text():
            assert time.monotonic() < end, pid
            time.sleep(0.02)


def test_an_argument_that_is_too_long_for_a_name_is_no_file(tmp_path):
    program = f"{sys.executable} -c 'import sys; [print(len(s.strip())) for s in sys.stdin] #{'x' * 300}'"
    assert Command(command=program).files(tmp_path) == (Path(sys.executable),)
    assert command_function(program, tmp_path, 20)(["CCO", "C"]) == [3.0, 1.0]


@pytest.mark.parametrize("end", ["sys.exit(1)", "sys.stdout.flush(); import time; time.sleep(60)"])
def test_a_program_that_answers_all_and_then_ends_badly_has_answered(tmp_path, end):
    body = f"import sys\nfor line in sys.stdin:\n    print(len(line.strip()), flush=True)\n{end}\n"
    values, n_starts = measured(tmp_path, body, ["C", "CC", "CCC"], 0.5)
    assert values == [1.0, 2.0, 3.0]
    assert n_starts == 1


@pytest.mark.parametrize("option", ["--receptor protein.pdbqt", "--receptor=protein.pdbqt"])
def test_a_file_that_an_option_names_is_one_that_scores_depend_on(tmp_path, option):
    (tmp_path / "protein.pdbqt").write_text("ATOM")
    assert Command(command=f"cat {option}").files(tmp_path) == (tmp_path / "protein.pdbqt",)
