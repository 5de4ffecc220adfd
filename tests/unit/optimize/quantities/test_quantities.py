"""Values of quantities, and what becomes of those that fail."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from rdkit import Chem

from molvae.errors import ObjectiveError
from molvae.optimize.objective import Objective
from molvae.optimize.quantities import QUANTITIES, Failure, Molecule
from molvae.optimize.spec import ObjectiveSpec


def measure(kind, argument, *smiles, folder=Path()):
    molecules = [Molecule(text, Chem.MolFromSmiles(text)) for text in smiles]
    return QUANTITIES[kind].model_validate({kind: argument}).measure(folder)(molecules)


@pytest.mark.parametrize(
    ("kind", "argument", "expected"),
    [
        ("property", "mol_weight", [46.069, 96.104]),
        ("similarity", {"to": "CCO"}, [1.0, 0.0]),
        ("has", "[OX2H]", [1.0, 0.0]),
        ("lacks", "[OX2H]", [0.0, 1.0]),
        ("count", "[#6]", [2, 6]),
        ("atom_count", "F", [0, 1]),
        ("atom_count", "H", [6, 5]),
        ("isomer", "C2H6O", [1.0, 0.080]),
        ("alerts", ("PAINS", "BRENK"), [0, 0]),
    ],
)
def test_values_of_ethanol_and_fluorobenzene(kind, argument, expected):
    assert measure(kind, argument, "CCO", "Fc1ccccc1") == pytest.approx(expected, abs=1e-3)


def test_alerts_are_counted_in_the_asked_collections_only():
    rhodanine, aldehyde = "O=C1NC(=S)SC1=Cc1ccccc1", "O=CCCC"
    assert measure("alerts", ("PAINS",), rhodanine, aldehyde) == [1, 0]
    assert measure("alerts", ("BRENK",), aldehyde)[0] >= 1


def test_a_value_that_is_not_defined_is_a_failure(monkeypatch):
    from molvae.chem.descriptors import PROPERTIES, Property

    monkeypatch.setitem(PROPERTIES._entries, "odd", Property("", "", "", lambda _: math.nan))
    assert measure("property", "odd", "CCO") == [Failure("expected a finite number, found nan")]


def test_only_the_guilty_molecule_of_a_batch_fails(tmp_path):
    (tmp_path / "picky_terms.py").write_text(
        "def length(smiles):\n"
        "    if any('F' in text for text in smiles):\n"
        "        raise KeyError('no fluorine,\\nplease')\n"
        "    return [len(text) for text in smiles]\n"
    )
    values = measure("python", "picky_terms:length", "CCO", "CF", "CCCC", folder=tmp_path)
    assert values[0] == 3
    assert values[2] == 4
    assert values[1] == Failure(r"KeyError: 'no fluorine,\nplease'")


def test_no_molecules_no_values():
    assert measure("property", "qed") == []
    assert measure("python", "statistics:mean") == []


def test_ring_systems_that_no_known_molecule_has_are_counted(tmp_path):
    (tmp_path / "known.smi").write_text("Cc1ccccc1\nC1CC1C\n")
    values = measure(
        "unseen_rings", "known.smi", "OCc1ccccc1", "C1CCC1C1CCC1", "C1CCC1c1ccncc1", "CCO", folder=tmp_path
    )
    assert values == [0.0, 1.0, 2.0, 0.0]


def test_known_molecules_that_are_not_there_are_missed_at_once(tmp_path):
    with pytest.raises(
        ObjectiveError, match=r"unseen_rings: expected a file of known molecules, found none at .*no\.smi"
    ):
        Objective(spec({"unseen_rings": "no.smi", "max": 0}), tmp_path)


def test_a_usual_molecule_is_likelier_than_an_odd_one_and_what_has_no_token_is_impossible():
    usual, odd, unknown = measure("likelihood", "moses", "Cc1ccccc1C(=O)NCc1ccccc1", "C1C2CC12OSF", "C[U]")
    assert 0.0 == unknown < odd < usual < 1.0


def test_a_model_that_is_not_there_is_missed_at_once(tmp_path):
    with pytest.raises(ObjectiveError, match=r"likelihood: mosses: expected a model's folder.*did you mean moses\?"):
        Objective(spec({"likelihood": "mosses", "min": 0.1}), tmp_path)


def test_a_model_in_the_working_directory_is_a_part_of_what_scores_depend_on(model, tmp_path, monkeypatch):
    model.save(tmp_path / "mine")
    (tmp_path / "objectives").mkdir()
    monkeypatch.chdir(tmp_path)
    files = Objective(spec({"likelihood": "mine", "min": 0.1}), tmp_path / "objectives").files
    assert {file.name for file in files} == {"config.json", "model.safetensors", "vocabulary.json"}
    assert Objective(spec({"likelihood": "moses", "min": 0.1}), tmp_path / "objectives").files == ()


def test_a_model_without_code_dropout_is_refused_before_the_search(model, tmp_path):
    without = model.copy()
    without.training = replace(model.training, code_dropout=0.0)
    without.save(tmp_path / "mine")
    with pytest.raises(ObjectiveError, match=r"likelihood: expected a model trained with train\.code_dropout above 0"):
        Objective(spec({"likelihood": "mine", "min": 0.1}), tmp_path)


@pytest.mark.parametrize(("first", "second"), [({"timeout_s": 5}, {}), ({"timeout_s": 5}, {"memory_gb": 1})])
def test_a_limit_that_could_not_be_kept_is_refused(tmp_path, first, second):
    (tmp_path / "own.py").write_text("def score(smiles):\n    return [0.5] * len(smiles)\n")
    terms = [{"python": "own:score", **first}, {"command": "cat", **second}]
    content = {"name": "x", "terms": terms}
    with pytest.raises(
        ObjectiveError, match=r"objective x, term command: expected a timeout_s, as term own\.score has one"
    ):
        Objective(ObjectiveSpec.model_validate(content), tmp_path)
    terms[1]["timeout_s"] = 3
    assert Objective(ObjectiveSpec.model_validate(content), tmp_path).timeout_s == 8


def spec(constraint):
    return ObjectiveSpec.model_validate({"name": "x", "terms": [{"property": "qed"}], "constraints": [constraint]})
