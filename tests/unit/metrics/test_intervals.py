import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.chem.fcd import frechet_distance, moments
from molvae.metrics import intervals
from molvae.metrics.comparison import cosine_similarity, distribution_distance, internal_diversity, mean_powers

RANDOM = np.random.default_rng(3)
# A metric moves by its influence function's value over N when a molecule counts once more, to first order in 1/N.
N = 400


def moves(metric, sample):
    """Return by how much a metric moves, times N, when each of the first molecules is there twice."""
    before = metric(sample)
    return np.array([len(sample) * (metric([*sample, sample[row]]) - before) for row in range(20)])


def check(influence, metric, sample, tolerance=0.1):
    expected = moves(metric, sample)
    centred = (influence - influence.mean())[:20]
    assert np.corrcoef(centred, expected)[0, 1] > 0.99
    assert centred == pytest.approx(expected, abs=tolerance * np.abs(expected).max())


def test_the_influence_on_the_frechet_distance():
    sample = RANDOM.normal(size=(N, 4)).astype(np.float32)
    other = moments([RANDOM.normal(0.3, 1.4, size=(300, 4)).astype(np.float32)])
    own = moments([sample])
    influence = intervals.frechet_influence(sample, own, other)
    check(influence, lambda rows: frechet_distance(moments([np.stack(rows)]), other), list(sample))


def test_the_influence_on_the_cosine():
    sample = [Counter(RANDOM.choice(list("abcdef"), size=4, p=[0.4, 0.2, 0.2, 0.1, 0.05, 0.05])) for _ in range(N)]
    reference = Counter(a=40, b=50, c=3, d=10, x=9)

    def total(rows):
        return sum(rows, Counter())

    influence = intervals.cosine_influence(sample, total(sample), reference)
    check(influence, lambda rows: cosine_similarity(total(rows), reference), sample)


def test_the_influence_on_the_distance():
    sample, reference = RANDOM.normal(size=N), RANDOM.normal(0.5, 1.5, size=300)
    influence = intervals.wasserstein_influence(sample, reference)
    check(influence, lambda rows: distribution_distance(np.array(rows), reference), list(sample))


@pytest.mark.parametrize("power", [1, 2])
def test_the_influence_on_the_internal_diversity(power):
    sample = RANDOM.integers(1, 255, size=(N, 8)).astype(np.uint8)
    # Some molecules are alike, so that there is something to measure.
    sample[: N // 4, 1:] = sample[0, 1:]

    def metric(rows):
        return internal_diversity(mean_powers(np.stack(rows), (power,))[0], power)

    # The roots of so uneven a set are less alike than is assumed.
    tolerance = 0.1 if power == 1 else 0.25
    check(intervals.diversity_influence(mean_powers(sample, (power,))[0], power), metric, list(sample), tolerance)


@given(st.integers(1, 500), st.data())
def test_the_interval_of_a_fraction_holds_it_and_has_a_width(n, data):
    fraction = data.draw(st.integers(0, n)) / n
    low, high = intervals.wilson_interval(fraction, n)
    assert 0 <= low <= fraction <= high <= 1
    assert low < high


def test_the_interval_of_a_fraction_is_wilsons():
    # The example of Newcombe, Statistics in Medicine 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>
    assert intervals.wilson_interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_the_interval_of_a_mean_is_about_two_standard_errors_to_each_side():
    values = RANDOM.normal(5, 2, size=2000)
    low, high = intervals.mean_interval(values, seed=1)
    half = 1.96 * values.std() / math.sqrt(2000)
    assert (values.mean() - low, high - values.mean()) == pytest.approx((half, half), rel=0.25)
    assert intervals.mean_interval(values, seed=1) == (low, high)


def test_there_is_no_interval_of_too_little():
    assert intervals.wilson_interval(math.nan, 0) is None
    assert intervals.mean_interval(np.array([1.0]), seed=1) is None
    assert intervals.influence_interval(math.nan, np.array([]), seed=1) is None
    # The diversity of two molecules: both have the same influence on it.
    assert intervals.influence_interval(0.4, np.array([0.4, 0.4]), seed=1) is None
