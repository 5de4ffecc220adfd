"""What every registered desirability must do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.optimize.desirability import DESIRABILITIES
from molvae.optimize.parts import Term

# Something to give each; a new one fails here until it has an example.
NUMBERS = {
    "maximise": {"low": -1.0, "high": 2.0},
    "minimise": {"low": -1.0, "high": 2.0},
    "window": {"low": -1.0, "high": 2.0, "width": 0.5},
    "gaussian": {"mean": 1.0, "sd": 2.0},
    "min_gaussian": {"mean": 1.0, "sd": 2.0},
    "max_gaussian": {"mean": 1.0, "sd": 2.0},
    "clip": {"upper": 0.7},
    "threshold": {"at": 1.0, "direction": "above"},
}


@pytest.mark.parametrize("key", DESIRABILITIES)
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_it_is_from_0_to_1_for_any_finite_value(key, value):
    assert 0.0 <= DESIRABILITIES[key].model_validate(NUMBERS[key])(value) <= 1.0


@pytest.mark.parametrize("key", DESIRABILITIES)
def test_it_reaches_0_and_1(key):
    values = [DESIRABILITIES[key].model_validate(NUMBERS[key])(value) for value in (-1e9, 0.0, 1.0, 1e9)]
    assert (min(values), max(values)) == (0.0, 1.0)


@pytest.mark.parametrize("key", DESIRABILITIES)
def test_it_has_words_and_comes_back_from_what_is_recorded(key):
    term = Term.model_validate({"property": "logp", key: NUMBERS[key]})
    assert type(term.desirability) is DESIRABILITIES[key]
    assert term.desirability.text()
    assert term.desirability.summary()
    recorded = term.model_dump(mode="json", exclude_none=True)
    assert recorded == {"property": "logp", "weight": 1.0, key: NUMBERS[key]}
    assert Term.model_validate(recorded) == term
