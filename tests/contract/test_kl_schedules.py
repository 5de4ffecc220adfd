"""What every registered KL schedule must do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.nn.schedules import KL_SCHEDULES

FRACTION = st.floats(0.0, 1.0)


@pytest.fixture(scope="module", params=KL_SCHEDULES)
def schedule(request):
    return KL_SCHEDULES[request.param]


@given(done=FRACTION, warmup=FRACTION)
def test_the_factor_is_between_0_and_1(schedule, done, warmup):
    assert 0.0 <= schedule(done, warmup) <= 1.0


@given(warmup=FRACTION)
def test_it_ends_at_the_final_weight(schedule, warmup):
    assert schedule(1.0, warmup) == 1.0


@given(done=FRACTION, warmup=FRACTION)
def test_it_is_a_pure_function(schedule, done, warmup):
    assert schedule(done, warmup) == schedule(done, warmup)
