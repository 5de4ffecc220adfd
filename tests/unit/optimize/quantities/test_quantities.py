"""Values of quantities, and what becomes of those that fail."""

import math
from pathlib import Path

import pytest
from rdkit import Chem

from molvae.optimize.quantities import QUANTITIES, Failure, Molecule


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
