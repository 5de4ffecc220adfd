import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from molvae.errors import DataError
from molvae.prepare.split import (
    SPLITS,
    TEST,
    TRAIN,
    VALIDATION,
    check_splits,
    hint_of,
    keyed,
    split_by_scaffold,
    split_randomly,
)

fractions = st.sampled_from([0.0, 0.01, 0.05, 0.2, 0.4])


def decide(split, hashes, needed, validation, test, seed=1, n_blocks=3):
    """Split molecules that come as a stream of blocks, and return the names of their splits."""
    keys = keyed(np.array(hashes, dtype=np.uint64), seed)
    needed = np.array(needed, dtype=bool)

    def stream():
        return zip(np.array_split(keys, n_blocks), np.array_split(needed, n_blocks), strict=True)

    assign = split(stream, len(keys), validation, test)
    return [SPLITS[number] for number in assign(keys, needed)]


def numbered(names):
    return [sorted(set(names)).index(name) for name in names]


@given(st.integers(10, 300), fractions, fractions, st.integers(0, 5))
def test_random_split_sizes_are_the_fractions_and_at_least_two(n, validation, test, seed):
    splits = decide(split_randomly, range(n), [False] * n, validation, test, seed)
    assert len(splits) == n
    assert splits.count(VALIDATION) == (max(2, round(n * validation)) if validation else 0)
    assert splits.count(TEST) == (max(2, round(n * test)) if test else 0)
    assert TRAIN in splits


@given(st.lists(st.sampled_from("abcdefghijkl"), min_size=10, max_size=120), fractions, fractions, st.integers(0, 5))
def test_no_scaffold_stands_in_two_splits(scaffolds, validation, test, seed):
    assume(len(set(scaffolds)) >= 3)
    splits = decide(split_by_scaffold, numbered(scaffolds), [False] * len(scaffolds), validation, test, seed)
    homes = {
        scaffold: {s for s, other in zip(splits, scaffolds, strict=True) if other == scaffold} for scaffold in scaffolds
    }
    assert all(len(home) == 1 for home in homes.values())
    assert {TRAIN} <= set(splits) <= set(SPLITS)
    assert (VALIDATION in splits) == (validation > 0)
    assert (TEST in splits) == (test > 0)


@pytest.mark.parametrize("sizes", [[1, 3, 3, 3, 3, 3, 3, 1], [1] * 20, [2] * 10, [3] * 10])
@pytest.mark.parametrize("seed", range(5))
def test_a_held_out_split_of_scaffolds_has_two_molecules_where_training_can_spare_them(sizes, seed):
    scaffolds = [number for number, size in enumerate(sizes) for _ in range(size)]
    splits = decide(split_by_scaffold, scaffolds, [False] * len(scaffolds), 0.05, 0.05, seed)
    assert min(splits.count(split) for split in SPLITS) >= 2


def test_held_out_scaffolds_fill_their_fraction():
    splits = decide(split_by_scaffold, [number % 500 for number in range(2000)], [False] * 2000, 0.05, 0.1)
    assert (splits.count(VALIDATION), splits.count(TEST)) == (100, 200)


def test_scaffolds_are_looked_through_in_parts_with_the_same_outcome(monkeypatch):
    hashes, needed = [number % 90 for number in range(300)], [number % 7 == 0 for number in range(300)]
    whole = decide(split_by_scaffold, hashes, needed, 0.2, 0.2)
    monkeypatch.setattr("molvae.prepare.split.GROUPS_AT_A_TIME", 40)
    assert decide(split_by_scaffold, hashes, needed, 0.2, 0.2) == whole


@pytest.mark.parametrize("split", [split_randomly, split_by_scaffold])
def test_the_seed_decides(split):
    one, again, other = (decide(split, range(100), [False] * 100, 0.1, 0.1, seed) for seed in (1, 1, 2))
    assert one == again
    assert one != other


@pytest.mark.parametrize("split", [split_randomly, split_by_scaffold])
def test_neither_the_order_of_a_library_nor_its_blocks_decide(split):
    hashes = list(range(100))
    forward = decide(split, hashes, [False] * 100, 0.1, 0.1)
    assert decide(split, hashes[::-1], [False] * 100, 0.1, 0.1, n_blocks=1) == forward[::-1]


def test_a_molecule_more_changes_the_place_of_few():
    before = decide(split_randomly, range(1000), [False] * 1000, 0.1, 0.1)
    after = decide(split_randomly, range(1001), [False] * 1001, 0.1, 0.1)
    assert sum(a != b for a, b in zip(before, after, strict=False)) <= 3


def test_too_few_scaffolds_are_refused():
    splits = decide(split_by_scaffold, [1] * 5 + [2] * 5, [False] * 10, 0.1, 0.1)
    with pytest.raises(DataError, match="found none for validation"):
        check_splits({split: splits.count(split) for split in SPLITS}, SPLITS)


def test_shares_that_leave_nothing_to_train_on_are_refused():
    splits = decide(split_randomly, range(10), [False] * 10, 0.5, 0.46)
    with pytest.raises(DataError, match="found none for train"):
        check_splits({split: splits.count(split) for split in SPLITS}, SPLITS)


@given(st.integers(0, 20))
def test_needed_molecules_are_trained_on(seed):
    needed = [number % 2 == 0 for number in range(40)]
    for splits in (
        decide(split_randomly, range(40), needed, 0.2, 0.2, seed),
        decide(split_by_scaffold, [number % 20 for number in range(40)], needed, 0.2, 0.2, seed),
    ):
        assert {split for split, is_needed in zip(splits, needed, strict=True) if is_needed} == {TRAIN}


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("train", TRAIN),
        (" Training", TRAIN),
        ("VALID", VALIDATION),
        ("dev", VALIDATION),
        ("test", TEST),
        ("holdout", TEST),
    ],
)
def test_usual_names_of_splits_are_understood(text, split):
    assert SPLITS[hint_of(text) - 1] == split


@pytest.mark.parametrize("text", ["", "0", "nan", "fold 1"])
def test_other_names_are_no_split(text):
    assert hint_of(text) == 0
