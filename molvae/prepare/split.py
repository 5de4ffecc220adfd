"""Hold molecules out for validation and test.

A molecule that alone has some SELFIES token is of no use when it is held out, since the model cannot learn the token:
the functions take such molecules as `needed`, and train on them.
"""

from collections.abc import Sequence

import numpy as np

from molvae.errors import DataError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)


def split_randomly(
    needed: Sequence[bool], validation_fraction: float, test_fraction: float, generator: np.random.Generator
) -> list[str]:
    """Hold out molecules at random.

    Args:
        needed: For each molecule, whether to train on it; that is done as far as the shares allow.
        validation_fraction: Share for validation, in [0, 1].
        test_fraction: Share for the test, in [0, 1].
        generator: Source of the choice.

    Returns:
        The split of each molecule. One with a share above 0 has at least one molecule.

    Raises:
        DataError: If that leaves none to train on.
    """
    n_molecules = len(needed)
    n_test = _size(n_molecules, test_fraction)
    n_held_out = n_test + _size(n_molecules, validation_fraction)
    splits = [TRAIN] * n_molecules
    order = sorted(generator.permutation(n_molecules).tolist(), key=needed.__getitem__)
    for position, molecule in enumerate(order[:n_held_out]):
        splits[molecule] = TEST if position < n_test else VALIDATION
    return _checked(splits, validation_fraction, test_fraction)


def split_by_scaffold(
    scaffolds: Sequence[str],
    needed: Sequence[bool],
    validation_fraction: float,
    test_fraction: float,
    generator: np.random.Generator,
) -> list[str]:
    """Hold out whole scaffolds at random, so that no scaffold stands in two splits.

    Scaffolds are taken in random order and go to the first held-out split with room for all their molecules, or else
    to training; so common scaffolds tend to be trained on. Molecules without rings count as one scaffold.

    Args:
        scaffolds: The scaffold of each molecule.
        needed: For each molecule, whether to train on it, and so on its scaffold; done as far as the shares allow.
        validation_fraction: Share for validation, in [0, 1].
        test_fraction: Share for the test, in [0, 1].
        generator: Source of the order.

    Returns:
        The split of each molecule. A held-out split is at most its share large, unless no scaffold is small enough.

    Raises:
        DataError: If there are too few scaffolds to give each split one.
    """
    members: dict[str, list[int]] = {}
    for molecule, scaffold in enumerate(scaffolds):
        members.setdefault(scaffold, []).append(molecule)
    groups = list(members.values())
    groups = [groups[number] for number in generator.permutation(len(groups))]
    groups.sort(key=lambda group: any(needed[molecule] for molecule in group))
    room = {TEST: _size(len(scaffolds), test_fraction), VALIDATION: _size(len(scaffolds), validation_fraction)}
    homes: dict[str, list[list[int]]] = {split: [] for split in SPLITS}
    for group in groups:
        home = next((split for split in room if len(group) <= room[split]), TRAIN)
        homes[home].append(group)
        if home in room:
            room[home] -= len(group)
    for split, fraction in ((TEST, test_fraction), (VALIDATION, validation_fraction)):
        # No scaffold was small enough for it: it gets the smallest that training can spare.
        if fraction > 0 and not homes[split] and len(homes[TRAIN]) > 1:
            smallest = min(homes[TRAIN], key=len)
            homes[TRAIN].remove(smallest)
            homes[split].append(smallest)
    split_of = {molecule: split for split, home in homes.items() for group in home for molecule in group}
    return _checked([split_of[molecule] for molecule in range(len(scaffolds))], validation_fraction, test_fraction)


def _size(n_molecules: int, fraction: float) -> int:
    return max(1, round(n_molecules * fraction)) if fraction > 0 else 0


def _checked(splits: list[str], validation_fraction: float, test_fraction: float) -> list[str]:
    asked = {TRAIN: 1.0, VALIDATION: validation_fraction, TEST: test_fraction}
    empty = [split for split, fraction in asked.items() if fraction > 0 and split not in splits]
    if empty:
        raise DataError(
            f"expected molecules in every split, found none for {' and '.join(empty)}: {len(splits)} molecules, or "
            "their scaffolds, are too few for prepare.validation_fraction and prepare.test_fraction; give more "
            "molecules, change the fractions, or set prepare.split to random"
        )
    return splits
