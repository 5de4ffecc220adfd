"""Users' own functions and programs."""

import math
import sys
import time

import pytest

from molvae.errors import ObjectiveError
from molvae.optimize.user_terms import command_function, python_function


def script(folder, body, name="score.py"):
    file = folder / name
    file.write_text(body)
    return f"{sys.executable} {name}"


LENGTHS = "import sys\nfor line in sys.stdin:\n    print(len(line.strip()))\n"


def test_a_function_beside_the_objective_is_found(tmp_path):
    (tmp_path / "lengths_term.py").write_text("def score(smiles):\n    return (len(each) for each in smiles)\n")
    before = list(sys.path)
    assert python_function("lengths_term:score", tmp_path)(["CCO", "C"]) == [3.0, 1.0]
    assert sys.path == before


def test_a_missing_module_or_function_is_named(tmp_path):
    with pytest.raises(ObjectiveError, match="module no_such_module"):
        python_function("no_such_module:score", tmp_path)
    with pytest.raises(ObjectiveError, match=r"function no_such in .*statistics"):
        python_function("statistics:no_such", tmp_path)


def test_too_few_numbers_are_an_error(tmp_path):
    (tmp_path / "too_few_term.py").write_text("def score(smiles):\n    return [1.0]\n")
    with pytest.raises(ValueError, match="expected 2 numbers for 2 molecules, found 1"):
        python_function("too_few_term:score", tmp_path)(["C", "CC"])


def test_a_command_runs_beside_the_objective(tmp_path):
    assert command_function(script(tmp_path, LENGTHS), tmp_path, 20)(["CCO", "C"]) == [3.0, 1.0]


def test_a_line_that_is_no_number_is_no_value(tmp_path):
    values = command_function(script(tmp_path, "print(1.5)\nprint('failed')\nprint()\n"), tmp_path, 20)(["C", "N", "O"])
    assert values[0] == 1.5
    assert math.isnan(values[1])
    assert math.isnan(values[2])


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
