"""Hold molecules out for validation and test.

Each molecule has a key of 64 random bits, made from its own hash and the seed, and the lowest keys are held out. So the
split does not depend on the order of the library, and little on what else is in it. The keys are read as a stream, more
than once, and never held in memory at once.

A molecule that is the only one with some SELFIES token cannot be held out, since the model could not learn the token:
such molecules are passed as `needed`, and go to the training split.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from molvae.errors import DataError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
MIN_HELD_OUT = 2
"""Molecules of a held-out split, if any: the distance to them, which chooses a prior and evaluates a model, needs a
covariance of theirs."""

Keys = NDArray[np.uint64]
Stream = Callable[[], Iterable[tuple[Keys, NDArray[np.bool_]]]]
"""Returns the same pairs at every call: keys of molecules, and which of these are needed for training."""
Assignment = Callable[[Keys, NDArray[np.bool_]], NDArray[np.uint8]]
"""From keys of molecules, and which of these are needed, to their splits as indices into `SPLITS`."""

GROUPS_AT_A_TIME = 2_000_000
_BIN_BITS = np.uint64(48)
_HINTS = {
    name: number
    for number, names in enumerate(
        (["train", "training"], ["validation", "valid", "val", "dev"], ["test", "testing", "holdout"]), start=1
    )
    for name in names
}


def hint_of(text: str) -> int:
    """Return one more than the index into `SPLITS` of the split that a cell names, or 0 if it names none."""
    return _HINTS.get(text.strip().lower(), 0)


def keyed(hashes: Keys, seed: int) -> Keys:
    """Return keys that are random for each seed: the finaliser of SplitMix64 over hash and seed."""
    keys = hashes ^ np.uint64(seed)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Keys = keys ^ (keys >> np.uint64(31))
    return mixed


def split_randomly(stream: Stream, n_molecules: int, validation_fraction: float, test_fraction: float) -> Assignment:
    """Hold out the molecules with the lowest keys; needed ones only if there are too few others.

    Args:
        stream: The molecules.
        n_molecules: Their number.
        validation_fraction: Fraction for validation, in [0, 1]; above 0, at least `MIN_HELD_OUT`.
        test_fraction: The same for the test split.
    """
    n_test = _size(n_molecules, test_fraction)
    n_held_out = min(n_test + _size(n_molecules, validation_fraction), n_molecules)
    below = _values_at(lambda: (_ranks(*pair) for pair in stream()), [n_test, n_held_out])

    def assign(keys: Keys, needed: NDArray[np.bool_]) -> NDArray[np.uint8]:
        ranks = _ranks(keys, needed)
        return np.where(
            ranks < below[0], SPLITS.index(TEST), np.where(ranks < below[1], SPLITS.index(VALIDATION), 0)
        ).astype(np.uint8)

    return assign


def split_by_scaffold(stream: Stream, n_molecules: int, validation_fraction: float, test_fraction: float) -> Assignment:
    """Hold out whole scaffolds at random, so that no scaffold is in two splits.

    Scaffolds are taken in the order of their keys and go to the first held-out split with room for all their molecules,
    or else to training, so that common scaffolds tend to be trained on. Molecules without rings count as one scaffold.

    Args:
        stream: The molecules, with the keys of their scaffolds.
        n_molecules: Their number.
        validation_fraction: Fraction for validation, in [0, 1].
        test_fraction: Fraction for the test split, in [0, 1].

    Returns:
        The assignment, from keys of scaffolds. A held-out split is at most as large as its fraction, unless the
        scaffolds that are small enough have fewer than `MIN_HELD_OUT` molecules; then it gets the smallest other one
        that training can spare.
    """
    room = {TEST: _size(n_molecules, test_fraction, 1), VALIDATION: _size(n_molecules, validation_fraction)}
    wanted = [split for split in room if room[split]]
    n_held_out = dict.fromkeys(room, 0)
    held_out: dict[str, list[int]] = {split: [] for split in room}
    smallest: list[tuple[int, int, int]] = []
    n_train = 0
    for key, size in _groups(stream, n_molecules):
        target = next((split for split in room if size <= room[split]), None)
        if target is None:
            n_train += 1
            smallest = sorted([*smallest, (size, n_train, key)])[: len(room)]
        else:
            held_out[target].append(key)
            room[target] -= size
            n_held_out[target] += size
        if not any(room.values()) and all(n_held_out[split] >= MIN_HELD_OUT for split in wanted):
            break
    for split in wanted:
        if n_held_out[split] < MIN_HELD_OUT and n_train > 1:
            held_out[split].append(smallest.pop(0)[2])
            n_train -= 1
    members = {split: np.array(sorted(keys), dtype=np.uint64) for split, keys in held_out.items()}

    def assign(keys: Keys, _: NDArray[np.bool_]) -> NDArray[np.uint8]:
        splits = np.zeros(len(keys), dtype=np.uint8)
        for split, scaffolds in members.items():
            splits[np.isin(keys, scaffolds)] = SPLITS.index(split)
        return splits

    return assign


def _groups(stream: Stream, n_molecules: int) -> Iterator[tuple[int, int]]:
    """Yield the key and size of each group of equal keys in the order of keys, groups with needed molecules last."""
    needed_keys = np.unique(np.concatenate([np.empty(0, np.uint64), *(keys[needed] for keys, needed in stream())]))
    n_parts = 1 + n_molecules // GROUPS_AT_A_TIME
    edges = [part * 2**64 // n_parts for part in range(n_parts + 1)]
    for needed_ones in (False, True) if len(needed_keys) else (False,):
        for low, high in pairwise(edges):
            inside = [
                keys[
                    (keys >= np.uint64(low))
                    & (keys <= np.uint64(high - 1))
                    & (np.isin(keys, needed_keys) == needed_ones)
                ]
                for keys, _ in stream()
            ]
            group_keys, sizes = np.unique(np.concatenate(inside), return_counts=True)
            yield from zip(group_keys.tolist(), sizes.tolist(), strict=True)


def check_splits(sizes: Mapping[str, int], required: Iterable[str]) -> None:
    """Check that no split is empty that must not be.

    Args:
        sizes: Number of molecules in each split.
        required: The splits that must not be empty.

    Raises:
        DataError: If one is empty.
    """
    empty = [split for split in required if not sizes.get(split)]
    if empty:
        raise DataError(
            f"expected molecules in every split, found none for {' and '.join(empty)}: {sum(sizes.values())} "
            "molecules, or their scaffolds, are too few for prepare.validation_fraction and prepare.test_fraction; "
            "give more molecules, change the fractions, or set prepare.split to random"
        )


def _size(n_molecules: int, fraction: float, at_least: int = MIN_HELD_OUT) -> int:
    return max(at_least, round(n_molecules * fraction)) if fraction > 0 else 0


def _ranks(keys: Keys, needed: NDArray[np.bool_]) -> Keys:
    """Return the keys without their last bit, with needed molecules ranked after all others."""
    ranks: Keys = (keys >> np.uint64(1)) | (needed.astype(np.uint64) << np.uint64(63))
    return ranks


def _values_at(stream: Callable[[], Iterable[Keys]], numbers: list[int]) -> Keys:
    """Return for each n the value below which n values of a stream lie, in two passes without sorting all of them."""
    n_bins = 1 << (64 - int(_BIN_BITS))
    counts = np.zeros(n_bins, dtype=np.int64)
    for values in stream():
        counts += np.bincount((values >> _BIN_BITS).astype(np.int64), minlength=n_bins)
    before = np.concatenate([[0], np.cumsum(counts)])
    bins = [int(np.searchsorted(before, number, side="right")) - 1 for number in numbers]
    in_bins = np.sort(np.concatenate([values[np.isin(values >> _BIN_BITS, bins)] for values in stream()]))
    values_at = []
    for number, position in zip(numbers, bins, strict=True):
        # As many as there are values: above the last one.
        if position >= n_bins:
            values_at.append(2**64 - 1)
            continue
        inside = in_bins[in_bins >> _BIN_BITS == np.uint64(position)]
        values_at.append(int(inside[number - before[position]]))
    return np.array(values_at, dtype=np.uint64)
