import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from molvae.learned.intervals import calibration_curve, conformal_factor


def test_a_factor_is_the_rank_that_guarantees_the_coverage():
    errors = np.arange(1.0, 10.0)
    assert conformal_factor(errors, 0.8) == 8.0
    assert conformal_factor(errors, 0.5) == 5.0


def test_too_few_errors_promise_nothing():
    assert conformal_factor(np.arange(3.0), 0.8) == math.inf


@given(st.floats(0.05, 0.95))
def test_as_many_new_values_are_covered_as_asked_for(coverage):
    rng = np.random.default_rng(0)
    old, new = np.abs(rng.standard_t(3, 4000)), np.abs(rng.standard_t(3, 4000))
    assert abs(np.mean(new <= conformal_factor(old, coverage)) - coverage) < 0.04


def test_a_calibration_curve_rises_and_is_near_the_diagonal_for_exchangeable_folds():
    errors = np.abs(np.random.default_rng(0).normal(size=1000))
    actual = calibration_curve(errors, np.arange(1000) % 5, [0.2, 0.5, 0.8])
    assert np.allclose(actual, [0.2, 0.5, 0.8], atol=0.04)


def test_a_fold_unlike_the_others_is_not_covered():
    folds = np.arange(100) % 5
    assert calibration_curve(np.where(folds == 0, 10.0, 1.0), folds, [0.5]) == [0.8]
