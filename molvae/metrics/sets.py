"""Fractions and means over sets of molecules. Of an empty set each of them is NaN."""

import math
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray


def fraction(part: int, whole: int) -> float:
    """Return `part / whole`, NaN for a whole of 0."""
    return part / whole if whole else math.nan


def unique_fraction(smiles: Collection[str]) -> float:
    """Return the fraction of distinct molecules among `smiles`, which are canonical."""
    return fraction(len(set(smiles)), len(smiles))


def novel_fraction(smiles: Iterable[str], training: AbstractSet[str]) -> float:
    """Return the fraction of the distinct molecules that are not training molecules; both are canonical SMILES."""
    distinct = set(smiles)
    return fraction(len(distinct - training), len(distinct))


def top_mean(scores: Sequence[float] | NDArray[np.floating], k: int) -> float:
    """Return the mean of the `k` best scores.

    Args:
        scores: The scores of N molecules, (N,); NaN values are ignored.
        k: How many; where there are fewer, all of them are taken.

    Raises:
        ValueError: If `k` is less than 1.
    """
    if k < 1:
        raise ValueError(f"expected k of at least 1, got {k}")
    values = np.asarray(scores, dtype=np.float64)
    best = np.sort(values[~np.isnan(values)])[::-1][:k]
    return float(best.mean()) if best.size else math.nan
