import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from molvae.errors import DataError
from molvae.prepare.split import SPLITS, TEST, TRAIN, VALIDATION, split_by_scaffold, split_randomly
from molvae.seeding import numpy_generator

fractions = st.sampled_from([0.0, 0.01, 0.05, 0.2, 0.4])


def generator(seed=1):
    return numpy_generator(seed, "split")


@given(st.integers(10, 300), fractions, fractions, st.integers(0, 5))
def test_random_split_sizes_are_the_shares_and_at_least_one(n, validation, test, seed):
    splits = split_randomly([False] * n, validation, test, generator(seed))
    assert len(splits) == n
    assert splits.count(VALIDATION) == (max(1, round(n * validation)) if validation else 0)
    assert splits.count(TEST) == (max(1, round(n * test)) if test else 0)
    assert TRAIN in splits


@given(st.lists(st.sampled_from("abcdefghijkl"), min_size=10, max_size=120), fractions, fractions, st.integers(0, 5))
def test_no_scaffold_stands_in_two_splits(scaffolds, validation, test, seed):
    assume(len(set(scaffolds)) >= 3)
    splits = split_by_scaffold(scaffolds, [False] * len(scaffolds), validation, test, generator(seed))
    homes = {
        scaffold: {s for s, each in zip(splits, scaffolds, strict=True) if each == scaffold} for scaffold in scaffolds
    }
    assert all(len(home) == 1 for home in homes.values())
    assert {TRAIN} <= set(splits) <= set(SPLITS)
    assert (VALIDATION in splits) == (validation > 0)
    assert (TEST in splits) == (test > 0)


def test_held_out_scaffolds_fill_their_share():
    scaffolds = [str(number % 500) for number in range(2000)]
    splits = split_by_scaffold(scaffolds, [False] * 2000, 0.05, 0.1, generator())
    assert (splits.count(VALIDATION), splits.count(TEST)) == (100, 200)


@pytest.mark.parametrize(
    "split",
    [
        lambda g: split_randomly([False] * 100, 0.1, 0.1, g),
        lambda g: split_by_scaffold([str(n) for n in range(100)], [False] * 100, 0.1, 0.1, g),
    ],
)
def test_the_seed_decides(split):
    assert split(generator(1)) == split(generator(1))
    assert split(generator(1)) != split(generator(2))


def test_too_few_scaffolds_are_refused():
    with pytest.raises(DataError, match="found none for validation"):
        split_by_scaffold(["a"] * 5 + ["b"] * 5, [False] * 10, 0.1, 0.1, generator())


def test_shares_that_leave_nothing_to_train_on_are_refused():
    with pytest.raises(DataError, match="found none for train"):
        split_randomly([False] * 10, 0.5, 0.46, generator())


@given(st.integers(0, 20))
def test_needed_molecules_are_trained_on(seed):
    needed = [number % 2 == 0 for number in range(40)]
    scaffolds = [str(number % 20) for number in range(40)]
    for splits in (
        split_randomly(needed, 0.2, 0.2, generator(seed)),
        split_by_scaffold(scaffolds, needed, 0.2, 0.2, generator(seed)),
    ):
        assert {split for split, is_needed in zip(splits, needed, strict=True) if is_needed} == {TRAIN}
