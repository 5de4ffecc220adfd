import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.metrics.sets import fraction, novel_fraction, top_mean, unique_fraction

MOLECULES = ["CCO", "CCN", "c1ccccc1", "CC(=O)O", "C1CCNCC1"]
molecule_lists = st.lists(st.sampled_from(MOLECULES), min_size=1, max_size=12)


@given(molecule_lists, molecule_lists)
def test_fractions_ignore_order_and_lie_between_0_and_1(molecules, training):
    for metric in (unique_fraction, lambda smiles: novel_fraction(smiles, set(training))):
        assert 0 <= metric(molecules) <= 1
        assert metric(molecules) == metric(molecules[::-1])


def test_fractions_of_known_molecules():
    assert fraction(3, 4) == 0.75
    assert unique_fraction(["CCO", "CCO", "CCN", "C"]) == 0.75
    assert novel_fraction(["CCO", "CCO", "CCN", "C"], {"CCO", "CCCC"}) == pytest.approx(2 / 3)


def test_the_mean_of_the_best_takes_all_where_there_are_fewer_and_leaves_out_nan():
    assert top_mean([0.2, 0.9, 0.5], 2) == pytest.approx(0.7)
    assert top_mean([0.2, 0.4], 10) == pytest.approx(0.3)
    assert top_mean([0.6, math.nan], 2) == 0.6
    with pytest.raises(ValueError, match="at least 1"):
        top_mean([0.1], 0)


def test_of_an_empty_set_every_value_is_nan():
    values = [
        fraction(0, 0),
        unique_fraction([]),
        novel_fraction([], {"CCO"}),
        top_mean([], 10),
        top_mean([math.nan], 1),
    ]
    assert all(map(math.isnan, values))
