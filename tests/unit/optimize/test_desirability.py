"""Desirability functions: their shapes, and the laws all of them keep."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from molvae.optimize.desirability import (
    Clip,
    Gaussian,
    Identity,
    MaxGaussian,
    Maximise,
    MinGaussian,
    Minimise,
    Threshold,
    Window,
)

RISING = [Maximise(low=-1, high=2), MaxGaussian(mean=3, sd=0.5), Clip(upper=0.7), Threshold(at=1, direction="above")]
FALLING = [Minimise(low=-1, high=2), MinGaussian(mean=3, sd=0.5), Threshold(at=1, direction="below")]
HUMPED = [Window(low=-1, high=2, width=0.5), Gaussian(mean=1, sd=2)]
values = st.floats(-1e6, 1e6)


@pytest.mark.parametrize("desirability", [*RISING, *FALLING, *HUMPED], ids=repr)
@given(value=values)
def test_always_between_0_and_1(desirability, value):
    assert 0.0 <= desirability(value) <= 1.0


@pytest.mark.parametrize("desirability", RISING, ids=repr)
@given(one=values, other=values)
def test_rising_ones_never_fall(desirability, one, other):
    low, high = sorted((one, other))
    assert desirability(low) <= desirability(high)


@pytest.mark.parametrize("desirability", FALLING, ids=repr)
@given(one=values, other=values)
def test_falling_ones_never_rise(desirability, one, other):
    low, high = sorted((one, other))
    assert desirability(low) >= desirability(high)


@pytest.mark.parametrize(
    ("desirability", "value", "expected"),
    [
        (Maximise(low=0.5, high=1.5), 0.75, 0.25),
        (Minimise(low=2, high=4), 2.5, 0.75),
        (Window(low=1, high=3, width=0.5), 1.0, 1.0),
        (Window(low=1, high=3, width=0.5), 3.5, math.exp(-0.5)),
        (Window(low=1, high=3, width=0.5), 0.0, math.exp(-2.0)),
        (Gaussian(mean=2, sd=3), -1, math.exp(-0.5)),
        (MinGaussian(mean=1, sd=1), 0.2, 1.0),
        (MinGaussian(mean=1, sd=1), 3, math.exp(-2.0)),
        (MaxGaussian(mean=100, sd=10), 120, 1.0),
        (MaxGaussian(mean=100, sd=10), 90, math.exp(-0.5)),
        (Clip(upper=0.8), 0.2, 0.25),
        (Clip(upper=0.8), 0.9, 1.0),
        (Threshold(at=3, direction="above"), 3, 1.0),
        (Threshold(at=3, direction="below"), 3.1, 0.0),
    ],
)
def test_values_by_hand(desirability, value, expected):
    assert desirability(value) == pytest.approx(expected, abs=1e-15)


def test_identity_refuses_what_is_no_desirability():
    assert Identity()(0.3) == 0.3
    with pytest.raises(ValueError, match=r"0 to 1, found 1\.2"):
        Identity()(1.2)


def test_impossible_parameters_are_refused():
    with pytest.raises(ValidationError, match="low below high"):
        Maximise(low=2, high=2)
    with pytest.raises(ValidationError, match="greater than 0"):
        Gaussian(mean=0, sd=0)


@pytest.mark.parametrize("desirability", [*RISING, *FALLING, *HUMPED], ids=repr)
@pytest.mark.parametrize("value", [1e300, -1e300, 1.7e308, -1.7e308])
def test_values_near_the_largest_float_are_no_trouble(desirability, value):
    assert 0.0 <= desirability(value) <= 1.0


def test_a_range_wider_than_a_float_holds_is_refused():
    with pytest.raises(ValidationError, match="nearer to each other"):
        Maximise(low=-1.7e308, high=1.7e308)
