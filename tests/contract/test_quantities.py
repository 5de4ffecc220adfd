"""What every registered quantity of an objective must do."""

import math
import shutil

import pytest

from molvae.chem.molecules import parse
from molvae.optimize.parts import Constraint, Term
from molvae.optimize.quantities import QUANTITIES, Failure, Molecule
from tests.fixtures.property_head import save_with_head

# Something to give each kind; a new kind fails here until it has an example.
ARGUMENTS = {
    "property": "qed",
    "similarity": {"to": "c1ccccc1O"},
    "has": "[OX2H]",
    "lacks": "[OX2H]",
    "count": "[#6]",
    "atom_count": "O",
    "isomer": "C2H6O",
    "learned": {"table": "measured_of_contract.csv", "column": "pIC50"},
    "in_domain": {"table": "measured_of_contract.csv", "column": "pIC50"},
    "predict": {"property": "logp", "model": "."},
    "python": "own_of_contract:score",
    "command": "sh own_of_contract.sh",
    "alerts": ["PAINS", "BRENK"],
}
MOLECULES = ["CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1", "O=C1NC(=S)SC1=Cc1ccccc1", "[Na+].[Cl-]"]


@pytest.fixture(scope="module")
def with_head(model, tmp_path_factory):
    """Return the folder of a model with a property head."""
    return save_with_head(model, tmp_path_factory.mktemp("contract") / "model")


@pytest.fixture
def folder(tmp_path, with_head):
    shutil.copytree(with_head, tmp_path, dirs_exist_ok=True)
    rows = [f"{'C' * n}{end},{5 + n / 10}" for n in range(1, 7) for end in ("O", "N", "c1ccccc1O")]
    (tmp_path / "measured_of_contract.csv").write_text("SMILES,pIC50\n" + "\n".join(rows) + "\n")
    (tmp_path / "own_of_contract.py").write_text("def score(smiles):\n    return [1 / len(text) for text in smiles]\n")
    (tmp_path / "own_of_contract.sh").write_text("while read smiles; do echo 0.5; done\n")
    return tmp_path


@pytest.fixture(params=QUANTITIES)
def quantity(request):
    return QUANTITIES[request.param].model_validate({request.param: ARGUMENTS[request.param]})


@pytest.fixture
def values(quantity, folder):
    return quantity.measure(folder)([Molecule(smiles, parse(smiles)) for smiles in MOLECULES])


def test_it_goes_by_the_key_of_its_first_field_and_has_words(quantity):
    assert QUANTITIES[quantity.kind()] is type(quantity)
    assert all(words and "\n" not in words for words in (quantity.title(), quantity.text(), quantity.label()))
    assert quantity.summary().endswith(".") or "..." in quantity.summary() or ":" in quantity.summary()


def test_it_has_a_finite_value_or_a_failure_for_each_molecule_in_order(quantity, values, folder):
    measure = quantity.measure(folder)
    assert len(values) == len(MOLECULES)
    assert all(isinstance(value, Failure) or math.isfinite(value) for value in values)
    assert [measure([Molecule(smiles, parse(smiles))])[0] for smiles in MOLECULES] == values
    assert measure([]) == []
    assert not isinstance(values[0], Failure)


def test_its_values_are_in_the_range_that_it_claims(quantity, values):
    numbers = [value for value in values if not isinstance(value, Failure)]
    if quantity.in_unit_interval():
        assert all(0.0 <= value <= 1.0 for value in numbers)
    if quantity.required is not None:
        assert quantity.required in numbers
        assert set(numbers) != {quantity.required}


def test_its_files_are_beside_the_objective(quantity, folder):
    assert all(file.is_file() and file.parent == folder for file in quantity.files(folder))


def test_it_comes_back_equal_from_what_is_recorded(quantity):
    again = type(quantity).model_validate(quantity.model_dump(mode="json", exclude_none=True))
    assert again == quantity
    assert hash(again) == hash(quantity)


def test_terms_and_constraints_take_it_as_it_says(quantity):
    content = quantity.model_dump(mode="json", exclude_none=True)
    assert (quantity.kind() in Term.quantity_kinds()) is not quantity.constraint_only
    if not quantity.constraint_only:
        term = Term.model_validate({**content, "maximise": {"low": 0, "high": 1}})
        assert (term.quantity, term.title) == (quantity, quantity.title())
    constraint = Constraint.model_validate(content if quantity.required is not None else {**content, "max": 1})
    assert constraint.quantity == quantity
    assert constraint.text()
