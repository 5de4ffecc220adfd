"""Users' own functions."""

import os
import pickle
import shutil
import sys

import pytest

from molvae.errors import ObjectiveError
from molvae.optimize.objective import Objective, load_objective
from molvae.optimize.quantities.python import PythonFunction, python_function
from molvae.optimize.spec import ObjectiveSpec
from molvae.optimize.user_modules import forget_modules


def objective(folder, function):
    return Objective(ObjectiveSpec.model_validate({"name": "own", "terms": [{"python": function}]}), folder)


@pytest.fixture
def two_folders(tmp_path):
    """Return two folders with modules of the same names that return different numbers."""
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, value in zip(folders, (0.25, 0.75), strict=True):
        (folder / "namesake_package").mkdir(parents=True)
        (folder / "namesake_helper.py").write_text(f"VALUE = {value}\n")
        (folder / "namesake_lazy.py").write_text(f"VALUE = {value}\n")
        (folder / "namesake_package" / "part.py").write_text(
            "from .other import VALUE\n\ndef score(smiles):\n    return [VALUE] * len(smiles)\n"
        )
        (folder / "namesake_package" / "other.py").write_text(f"VALUE = {value}\n")
        (folder / "namesake.py").write_text(
            "import namesake_helper\n\n"
            "def score(smiles):\n    return [namesake_helper.VALUE] * len(smiles)\n\n"
            "def lazy(smiles):\n    import namesake_lazy\n    return [namesake_lazy.VALUE] * len(smiles)\n"
        )
    return folders


def test_a_function_beside_the_objective_is_found(tmp_path):
    (tmp_path / "lengths_term.py").write_text("def score(smiles):\n    return (len(text) for text in smiles)\n")
    before = list(sys.path)
    assert python_function("lengths_term:score", tmp_path)(["CCO", "C"]) == [3.0, 1.0]
    assert sys.path == before


@pytest.mark.parametrize("function", ["namesake:score", "namesake:lazy", "namesake_package.part:score"])
def test_modules_of_one_name_in_two_folders_are_two(two_folders, function):
    first, second = (objective(folder, function) for folder in two_folders)
    assert [first.evaluate("C").score, second.evaluate("C").score] == [0.25, 0.75]
    again = [pickle.loads(pickle.dumps(one)).evaluate("C").score for one in (second, first)]
    assert again == [0.75, 0.25]


def test_a_module_beside_the_objective_hides_no_installed_one(tmp_path):
    (tmp_path / "statistics.py").write_text("def mean(smiles):\n    return [0.5 for _ in smiles]\n")
    assert objective(tmp_path, "statistics:mean").evaluate("C").score == 0.5
    import statistics

    assert statistics.mean([1, 3]) == 2


def test_nothing_is_run_before_the_first_molecule(tmp_path):
    (tmp_path / "noisy_term.py").write_text(
        "open('ran', 'w')\n\ndef score(smiles):\n    return [1.0 for _ in smiles]\n"
    )
    (tmp_path / "own.yaml").write_text("name: own\nterms: [{python: 'noisy_term:score'}]\n")
    loaded = load_objective(str(tmp_path / "own.yaml"))
    assert [os.path.abspath(file) for file in loaded.files] == [str(tmp_path / "noisy_term.py")]
    assert not any(name.endswith("noisy_term") for name in sys.modules)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def other(smiles):\n    return []\n", "expected a function score in .*odd_term.py, found none"),
        ("def score(smiles:\n", "expected Python source in .*odd_term.py"),
        ("# score\nprint(score)\n", "expected a function score"),
    ],
)
def test_a_source_that_cannot_be_right_is_refused_without_running_it(tmp_path, source, said):
    (tmp_path / "odd_term.py").write_text(source)
    with pytest.raises(ObjectiveError, match=said):
        PythonFunction(python="odd_term:score").files(tmp_path)


@pytest.mark.parametrize("source", ["from math import *\n", "from math import sqrt as score\n", "score = abs\n"])
def test_a_function_may_get_its_name_in_other_ways(tmp_path, source):
    (tmp_path / "named_term.py").write_text(source)
    assert PythonFunction(python="named_term:score").files(tmp_path)


@pytest.mark.parametrize(
    "body", ["raise OSError('no licence')", "import sys; sys.exit(0)", "import no_such_module_at_all"]
)
def test_a_module_that_cannot_be_imported_is_refused_in_words(tmp_path, body):
    (tmp_path / "broken_term.py").write_text(f"{body}\n\ndef score(smiles):\n    return []\n")
    with pytest.raises(ObjectiveError, match="expected a module broken_term that can be imported, found: "):
        python_function("broken_term:score", tmp_path)


def test_a_missing_module_or_function_is_named(tmp_path):
    with pytest.raises(ObjectiveError, match="module no_such_module"):
        python_function("no_such_module:score", tmp_path)
    with pytest.raises(ObjectiveError, match=r"module json\.no_such"):
        python_function("json.no_such:score", tmp_path)
    with pytest.raises(ObjectiveError, match=r"function no_such in .*statistics"):
        python_function("statistics:no_such", tmp_path)


def test_too_few_numbers_are_an_error(tmp_path):
    (tmp_path / "too_few_term.py").write_text("def score(smiles):\n    return [1.0]\n")
    with pytest.raises(ValueError, match="expected 2 numbers for 2 molecules, found 1"):
        python_function("too_few_term:score", tmp_path)(["C", "CC"])


def test_a_function_that_leaves_fails_its_molecules(tmp_path):
    (tmp_path / "leaving_term.py").write_text(
        "import sys\n\ndef score(smiles):\n    if 'S' in smiles:\n        sys.exit(0)\n"
        "    return [1.0 for _ in smiles]\n"
    )
    left, scored = objective(tmp_path, "leaving_term:score").evaluate_batch(["S", "C"])
    assert (left.status, left.error, scored.score) == ("failed", "leaving_term.score: SystemExit: 0", 1.0)


def test_its_files_are_all_that_it_imports_from_beside_it(two_folders):
    folder = two_folders[0]
    files = {file.name for file in objective(folder, "namesake:score").files}
    assert files == {"namesake.py", "namesake_helper.py", "namesake_lazy.py"}
    assert {file.name for file in objective(folder, "namesake_package.part:score").files} == {"part.py", "other.py"}


def test_a_forgotten_module_is_loaded_anew(tmp_path):
    source = "import changing_helper\n\ndef score(smiles):\n    return [changing_helper.VALUE for _ in smiles]\n"
    (tmp_path / "changing_term.py").write_text(source)
    for value in (0.25, 0.75):
        (tmp_path / "changing_helper.py").write_text(f"VALUE = {value}\n")
        forget_modules(tmp_path)
        # Python compares sources with its cache by size and time alone.
        shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
        assert objective(tmp_path, "changing_term:score").evaluate("C").score == value


def test_the_line_that_fails_is_named_with_the_objective_and_the_term(tmp_path):
    (tmp_path / "inner_term.py").write_text("import json\n\nVALUE = json.loads('{')\n")
    (tmp_path / "outer_term.py").write_text("\nimport inner_term\n\ndef score(smiles):\n    return []\n")
    (tmp_path / "own.yaml").write_text("name: own\nterms: [{python: 'outer_term:score', name: activity}]\n")
    loaded = load_objective(str(tmp_path / "own.yaml"))
    said = r"objective own, term activity: python: .* found: inner_term\.py line 3: JSONDecodeError: "
    with pytest.raises(ObjectiveError, match=said):
        loaded.load_user_code()
    with pytest.raises(ObjectiveError, match=said):
        loaded.evaluate("C")


def test_a_line_that_is_no_python_is_named(tmp_path):
    (tmp_path / "odd_helper.py").write_text("\n\nx = = 1\n")
    (tmp_path / "with_odd_helper.py").write_text("import odd_helper\n\ndef score(smiles):\n    return []\n")
    with pytest.raises(ObjectiveError, match=r"found: odd_helper\.py line 3: SyntaxError"):
        python_function("with_odd_helper:score", tmp_path)
