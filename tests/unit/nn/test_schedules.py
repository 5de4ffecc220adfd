import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.nn.schedules import KL_SCHEDULES, learning_rate_factor

FRACTION = st.floats(0.0, 1.0)


@pytest.mark.parametrize("name", ["linear", "sigmoid"])
@given(a=FRACTION, b=FRACTION, warmup=FRACTION)
def test_a_warm_up_never_falls(name, a, b, warmup):
    assert KL_SCHEDULES[name](min(a, b), warmup) <= KL_SCHEDULES[name](max(a, b), warmup)


def test_linear_is_half_way_at_half_of_the_warm_up():
    assert KL_SCHEDULES["linear"](0.1, 0.2) == pytest.approx(0.5)


def test_cyclical_starts_anew_in_each_cycle():
    values = [KL_SCHEDULES["cyclical"](done, 0.25) for done in (0.0, 0.0625, 0.2, 0.25, 0.3125)]
    assert values == pytest.approx([0.0, 0.5, 1.0, 0.0, 0.5])


def test_the_learning_rate_rises_peaks_and_decays_to_its_end():
    factors = [learning_rate_factor(step, 1000, 100, 0.05) for step in (0, 49, 99, 100, 550, 1000)]
    assert factors == pytest.approx([0.01, 0.5, 1.0, 1.0, 0.525, 0.05])
