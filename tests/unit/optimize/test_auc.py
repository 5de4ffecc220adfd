"""The area under the curve of the best scores."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.optimize.auc import auc_top

scores = st.lists(st.floats(0, 1), min_size=1, max_size=450)


def test_failed_evaluations_count_as_0():
    assert auc_top([math.nan] * 5, 1, 10) == 0.0
    assert auc_top([0.6, math.nan], 2, 2) == pytest.approx(auc_top([0.6, 0.0], 2, 2))
    assert auc_top([], 1, 10) == 0.0


def test_a_perfect_first_reading_loses_only_the_first_ramp():
    # A straight line from 0 at call 0 to 1 at call 100, then 1: PMO's best possible value.
    assert auc_top(np.ones(1000), 10, 1000) == pytest.approx(0.95)


def test_the_curve_goes_on_flat_when_a_search_ends_early():
    # 150 calls: readings at 100 and 150, then flat to 1,000.
    values = [0.4] * 100 + [0.8] * 50
    expected = 100 * 0.4 / 2 + 50 * (0.4 + 0.8) / 2 + 850 * 0.8
    assert auc_top(values, 1, 1000) == pytest.approx(expected / 1000)


def test_best_so_far_of_all_calls_not_of_the_last_ones():
    values = [1.0] + [0.0] * 299
    assert auc_top(values, 1, 300) == pytest.approx((50 + 200) / 300)


@given(values=scores, n=st.integers(1, 20))
def test_between_0_and_the_final_mean_of_the_best_one(values, n):
    area = auc_top(values, n, 500)
    assert 0.0 <= area <= max(values) + 1e-12


@given(values=scores)
def test_the_same_molecules_found_earlier_are_worth_more(values):
    assert auc_top(sorted(values, reverse=True), 1, 500) >= auc_top(values, 1, 500) - 1e-12


def test_more_scores_than_budget_are_refused():
    with pytest.raises(ValueError, match="at most 2"):
        auc_top([0.1] * 3, 1, 2)
    with pytest.raises(ValueError, match="at least 1"):
        auc_top([0.1], 0, 2)
