"""Formulas and isomer scores."""

import math

import pytest
from rdkit import Chem

from molvae.optimize.formula import element_counts, isomer_score, parse_formula


def test_a_formula_is_read_element_by_element():
    assert parse_formula("C9H10N2O2PF2Cl") == {"C": 9, "H": 10, "N": 2, "O": 2, "P": 1, "F": 2, "Cl": 1}


@pytest.mark.parametrize("formula", ["", "c6h6", "C6-H6", "C2H6C", "Xx2", "6C", "C6H6 "])
def test_what_is_no_formula_is_refused(formula):
    with pytest.raises(ValueError, match="formula"):
        parse_formula(formula)


def test_hydrogens_count_as_atoms():
    assert element_counts(Chem.MolFromSmiles("C[NH3+]")) == {"C": 1, "N": 1, "H": 6}


def test_isomers_score_1_whatever_their_structure():
    score = isomer_score("C4H10O")
    assert score(Chem.MolFromSmiles("CCCCO")) == score(Chem.MolFromSmiles("CCOCC")) == 1.0


def test_two_hydrogens_less_by_hand():
    # H is off by 2 of sd 1, the total by 2 of sd 2; C and O are right: four Gaussians in the mean.
    expected = (math.exp(-0.5 * 4) * math.exp(-0.5 * 1)) ** (1 / 4)
    assert isomer_score("C4H10O")(Chem.MolFromSmiles("CCCC=O")) == pytest.approx(expected)
