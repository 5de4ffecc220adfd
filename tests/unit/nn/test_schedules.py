import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.nn.schedules import KL_SCHEDULES, learning_rate_factor

SHARE = st.floats(0.0, 1.0)


@pytest.mark.parametrize("name", KL_SCHEDULES)
@given(done=SHARE, warmup=SHARE)
def test_a_kl_schedule_stays_between_nothing_and_the_final_weight(name, done, warmup):
    assert 0.0 <= KL_SCHEDULES[name](done, warmup) <= 1.0


@pytest.mark.parametrize("name", KL_SCHEDULES)
@given(warmup=SHARE)
def test_a_kl_schedule_ends_at_the_final_weight(name, warmup):
    assert KL_SCHEDULES[name](1.0, warmup) == 1.0


@pytest.mark.parametrize("name", ["linear", "sigmoid"])
@given(a=SHARE, b=SHARE, warmup=SHARE)
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
