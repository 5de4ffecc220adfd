"""How diverse a set of molecules is, and how similar to another one, by the definitions of the MOSES benchmark.

References:
    Polykovskiy et al., Molecular Sets (MOSES): a benchmarking platform for molecular generation models, Frontiers in
    Pharmacology 2020, doi:10.3389/fphar.2020.565644.
    Benhenda, ChemGAN challenge for drug discovery: can AI reproduce natural chemical diversity?, 2017, arXiv:1708.08227
    (internal diversity).
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from molvae.chem.fingerprints import PackedBits, tanimoto_matrix

DIVERSITY_BLOCK = 2048


def mean_powers(fingerprints: PackedBits, powers: Sequence[int] = (1, 2)) -> NDArray[np.float64]:
    """Return the mean p-th power of each molecule's similarities to all of a set, itself included.

    Args:
        fingerprints: Packed bits, uint8 (N, n_bits // 8).
        powers: The values of p.

    Returns:
        Means from 0 to 1, float64 (len(powers), N).
    """
    n = len(fingerprints)
    sums = np.zeros((len(powers), n))
    for start in range(0, n, DIVERSITY_BLOCK):
        rows = slice(start, start + DIVERSITY_BLOCK)
        for first in range(0, n, DIVERSITY_BLOCK):
            similarity = tanimoto_matrix(fingerprints[rows], fingerprints[first : first + DIVERSITY_BLOCK])
            for row, power in enumerate(powers):
                powered = similarity if power == 1 else similarity**power
                sums[row, rows] += powered.sum(axis=1, dtype=np.float64)
    return sums / max(n, 1)


def internal_diversity(means: NDArray[np.float64], power: int) -> float:
    """Return 1 minus the mean over molecules of the root of their mean powered similarities.

    Args:
        means: The means of a power, from `mean_powers`, float64 (N,).
        power: The power.

    Returns:
        The internal diversity, from 0 (all alike) to 1; NaN for no molecules.
    """
    return float(1.0 - np.mean(means ** (1.0 / power))) if len(means) else math.nan


def cosine_similarity(a: Mapping[str, int], b: Mapping[str, int]) -> float:
    """Return the cosine of the angle between two vectors of counts, from 0 to 1; NaN if one has no counts."""
    dot = sum(count * b.get(name, 0) for name, count in a.items())
    # Whole numbers until here: the same for every order of the entries.
    norms = sum(count**2 for count in a.values()) * sum(count**2 for count in b.values())
    return min(dot / math.sqrt(norms), 1.0) if norms else math.nan


def distribution_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the 1-Wasserstein distance of two samples, in their unit.

    Args:
        a: The first sample, float64 (N,); NaN values are ignored.
        b: The second sample, float64 (M,), likewise.

    Returns:
        The distance, at least 0; NaN if a sample is empty.
    """
    known_a, known_b = a[~np.isnan(a)], b[~np.isnan(b)]
    if not len(known_a) or not len(known_b):
        return math.nan
    return float(wasserstein_distance(known_a, known_b))
