import time

import pytest

from molvae.config import StandardiseConfig
from molvae.model import reading
from molvae.model.reading import InputCounts, ModelInput, Problem, Reader


@pytest.fixture
def reader(vocabulary):
    return Reader(StandardiseConfig(), vocabulary)


def test_molecules_are_read_in_standard_form_and_tokens(reader):
    salt, iodide, nonsense, complexed = reader.read(["CC(=O)[O-].[Na+]", "CCI", "C1CC", "[Cl][Pt]([Cl])([NH3])[NH3]"])
    assert (salt.smiles, salt.problem, salt.text()) == ("CC(=O)O", None, "")
    assert (iodide.smiles, iodide.selfies, iodide.text()) == ("CCI", None, "unknown token [I]")
    assert (nonsense.is_molecule, nonsense.text()) == (False, "not a molecule")
    assert (complexed.is_molecule, complexed.text()) == (True, "no standard form")


def test_a_molecule_that_hangs_is_given_up(reader, monkeypatch):
    monkeypatch.setattr(reading, "TIME_LIMIT_S", 0.5)
    # RDKit takes far longer to make it canonical.
    slow = "C" + ".C" * 4000
    started = time.monotonic()
    problems = [molecule.problem for molecule in reader.read(["CCN", slow, "CCO"])]
    assert problems == [None, Problem.TOO_SLOW, None]
    assert time.monotonic() - started < 30


def test_what_cannot_be_read_is_counted_with_its_tokens():
    counts = InputCounts()
    counts.counted([ModelInput("C", "[C]"), ModelInput(problem=Problem.NOT_A_MOLECULE)])
    counts.counted([ModelInput("CI", problem=Problem.UNKNOWN_TOKEN, unknown=("[I]",))])
    assert counts.text() == "1 not a molecule; 1 unknown token ([I]; zinc250k knows them)"
    counts.counted([ModelInput("C[As]I", problem=Problem.UNKNOWN_TOKEN, unknown=("[As]", "[I]"))])
    assert (counts.n, counts.text()) == (4, "1 not a molecule; 2 unknown token ([I], [As])")
