import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from molvae.chem.fingerprints import morgan_bits, nearest
from molvae.metrics import comparison
from molvae.metrics.comparison import cosine_similarity, distribution_distance, mean_powers

counts = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), min_size=1)


def internal_diversity(packed):
    means, squares = mean_powers(packed, (1, 2))
    return comparison.internal_diversity(means, 1), comparison.internal_diversity(squares, 2)


fingerprint_sets = arrays(np.uint8, st.tuples(st.integers(1, 12), st.just(8)), elements=st.integers(1, 255))


@given(counts, counts)
def test_cosine_similarity_is_symmetric_and_between_0_and_1(a, b):
    assert 0 <= cosine_similarity(a, b) <= 1
    assert cosine_similarity(a, b) == cosine_similarity(b, a)
    assert cosine_similarity(a, a) == pytest.approx(1)


def test_cosine_similarity_of_known_counts():
    assert cosine_similarity(Counter(a=3, b=4), Counter(a=4, b=3)) == pytest.approx(24 / 25)
    assert cosine_similarity(Counter(a=3), Counter(b=4)) == 0
    assert math.isnan(cosine_similarity(Counter(), Counter(b=4)))


@given(fingerprint_sets)
def test_internal_diversity_ignores_order_and_lies_between_0_and_1(packed):
    plain, squared = internal_diversity(packed)
    assert -1e-12 <= squared <= plain + 1e-12 <= 1
    assert internal_diversity(packed[::-1]) == pytest.approx((plain, squared))


@given(fingerprint_sets)
def test_internal_diversity_does_not_depend_on_the_blocks(packed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "DIVERSITY_BLOCK", 3)
        in_blocks = internal_diversity(packed)
    assert in_blocks == pytest.approx(internal_diversity(packed))


def test_internal_diversity_of_known_fingerprints():
    # Two bits each, one of them shared: similarities of 1 and 1/3.
    packed = np.array([[3, 0, 0, 0, 0, 0, 0, 0], [6, 0, 0, 0, 0, 0, 0, 0]], dtype=np.uint8)
    assert internal_diversity(packed) == pytest.approx((1 - 2 / 3, 1 - math.sqrt((1 + 1 / 9) / 2)))
    assert internal_diversity(packed[[0, 0, 0]]) == pytest.approx((0, 0))
    assert all(map(math.isnan, internal_diversity(packed[:0])))


def test_the_similarity_of_a_set_to_its_nearest_neighbours_in_itself_is_1(smiles):
    packed = morgan_bits(smiles[:50])
    assert nearest(packed, packed)[0].mean() == 1


@given(st.lists(st.floats(-5, 5), min_size=1), st.floats(-3, 3))
def test_a_shifted_distribution_is_as_far_as_the_shift(values, shift):
    sample = np.array(values)
    assert distribution_distance(sample, sample + shift) == pytest.approx(abs(shift), abs=1e-9)


def test_values_that_are_nan_do_not_count():
    assert distribution_distance(np.array([1.0, np.nan]), np.array([2.0])) == 1
    assert math.isnan(distribution_distance(np.array([np.nan]), np.array([2.0])))
