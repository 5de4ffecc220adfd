"""What every registered property must do."""

import math

import pandas as pd
import pytest
from rdkit import Chem

from molvae.chem.descriptors import PROPERTIES, compute_properties


@pytest.fixture(params=PROPERTIES)
def name(request):
    return request.param


def test_it_has_a_title_a_unit_and_a_definition(name):
    chosen = PROPERTIES[name]
    assert chosen.title
    assert chosen.unit == chosen.unit.strip()
    assert chosen.definition.endswith(".")
    assert chosen.title_with_unit == ", ".join(filter(None, [chosen.title, chosen.unit]))


def test_it_lies_between_0_and_1_if_it_says_so(name, smiles):
    values = compute_properties(smiles, [name])[name]
    assert values.between(0.0, 1.0).all() or not PROPERTIES[name].in_unit_interval


def test_it_is_a_finite_number_for_drug_like_molecules_and_the_same_again(name, smiles):
    first, again = (compute_properties(smiles[:20], [name])[name] for _ in range(2))
    assert first.dtype == "float64"
    assert first.map(math.isfinite).all()
    pd.testing.assert_series_equal(first, again)


def test_it_does_not_depend_on_how_the_molecule_is_written(name):
    randomised = ["CC(=O)Nc1ccc(O)cc1", "c1(O)ccc(cc1)NC(C)=O", "Oc1ccc(NC(=O)C)cc1"]
    values = compute_properties(randomised, [name])[name]
    assert values.max() == pytest.approx(values.min(), abs=1e-9)


@pytest.mark.parametrize("odd", ["[H][H]", "[Na+].[Cl-]", "[U]", "*C", "C"])
def test_an_odd_molecule_has_a_number_or_nan_and_raises_nothing(name, odd):
    value = PROPERTIES[name].compute(Chem.MolFromSmiles(odd))
    assert math.isfinite(value) or math.isnan(value)


def test_what_is_no_molecule_has_nan_and_no_molecules_have_no_rows(name):
    assert compute_properties(["C(", ""], [name])[name].isna().all()
    assert compute_properties([], [name]).shape == (0, 1)


def test_properties_can_be_told_apart():
    titles = [chosen.title for chosen in PROPERTIES.values()]
    assert len(set(titles)) == len(titles)
