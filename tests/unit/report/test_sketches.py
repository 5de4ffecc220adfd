import math
from itertools import pairwise

import pytest
from rdkit import Chem

from molvae.report.sketches import DIGITS, sketch


def test_a_sketch_is_short_and_holds_atoms_bonds_and_labels():
    text = sketch("OCC")
    packed, label = text.split(" ")
    assert label == "0:O:1:0"
    assert packed[:2] == "03"
    assert len(packed) == 2 + 3 * 4 + 2 + 2 * 3
    assert set(packed) <= set(DIGITS)


def test_above_64_atoms_a_bond_names_its_atoms_with_two_digits():
    smiles = "C" * 70
    assert len(sketch(smiles)) == 2 + 70 * 4 + 2 + 69 * 5


@pytest.mark.parametrize("smiles", ["", "no molecule", "C" * 1000])
def test_what_cannot_be_sketched_is_empty(smiles):
    assert sketch(smiles) == ""


def test_stereo_is_in_the_bonds():
    kinds = {text[-1] for text in (sketch("C/C=C/C"), sketch("CC=CC"))}
    assert len(kinds) == 1
    assert sketch("CC=CC") != sketch("C/C=C/C")
    assert sketch("C[C@H](N)O") != sketch("C[C@@H](N)O")
    assert Chem.MolFromSmiles("C[C@H](N)O") is not None


def test_a_long_chain_is_drawn_whole():
    text = sketch("C" * 60)
    n = DIGITS.index(text[0]) * 64 + DIGITS.index(text[1])
    digits = [DIGITS.index(digit) for digit in text[2 : 2 + 4 * n]]
    values = [64 * high + low for high, low in zip(digits[::2], digits[1::2], strict=True)]
    points = list(zip(values[::2], values[1::2], strict=True))
    assert n == 60
    assert len(set(points)) == n
    lengths = [math.dist(one, other) for one, other in pairwise(points)]
    assert max(lengths) < 1.1 * min(lengths)
