"""How far a figure would move with another sample of the same size.

A figure is written as a mean over the sampled molecules: of what it averages where it is an average, otherwise of its
influence function, which says how the figure moves when a molecule weighs a little more. The means of resampled values
give the interval. What is compared with stays as it is.

References:
    Efron and Tibshirani, An introduction to the bootstrap, 1993, doi:10.1201/9780429246593 (percentile intervals).
    Hampel, The influence curve and its role in robust estimation, Journal of the American Statistical Association 1974,
    doi:10.1080/01621459.1974.10482962.
    Wilson, Probable inference, the law of succession, and statistical inference, Journal of the American Statistical
    Association 1927, doi:10.1080/01621459.1927.10502953.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from molvae.chem.fcd import Moments, transport_map

CONFIDENCE = 0.95
RESAMPLES = 500

Interval = tuple[float, float]


def wilson_interval(share: float, n: int) -> Interval | None:
    """Return Wilson's interval of a share of n; unlike a bootstrap, it has a width where the share is 0 or 1."""
    if n == 0:
        return None
    low, high = binomtest(round(share * n), n).proportion_ci(CONFIDENCE, method="wilson")
    return float(low), float(high)


def mean_interval(values: NDArray[np.floating], seed: int) -> Interval | None:
    """Return the percentile bootstrap interval of the mean of values, (N,); None for fewer than 2."""
    if len(values) < 2:
        return None
    generator = np.random.default_rng(seed)
    exact = values.astype(np.float64)
    means = [exact[generator.integers(len(exact), size=len(exact))].mean() for _ in range(RESAMPLES)]
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return float(low), float(high)


def around(value: float, influence: NDArray[np.float64], seed: int, *, lowest: float = -math.inf) -> Interval | None:
    """Return the interval of a figure from each molecule's influence on it.

    Args:
        value: The figure.
        influence: Its influence function at each molecule, (N,).
        seed: Seed of the resampling.
        lowest: The least that the figure can be.
    """
    moved = mean_interval(influence - influence.mean(), seed) if len(influence) else None
    return None if moved is None else (max(value + moved[0], lowest), max(value + moved[1], lowest))


def of_frechet(activations: NDArray[np.float32], generated: Moments, reference: Moments) -> NDArray[np.float64]:
    """Return the influence of each molecule on the Frechet distance of the generated ones to a reference.

    The derivative of the distance by the mean is 2 (m1 - m2), and by the covariance I - T, where T is the optimal
    transport map between the two Gaussians.

    Args:
        activations: ChemNet activations of the generated molecules, float32 (N, 512).
        generated: Their moments.
        reference: The reference's moments.
    """
    offset = activations - generated.mean
    slope = np.eye(len(generated.mean)) - transport_map(generated, reference)
    quadratic: NDArray[np.float64] = np.einsum("ij,ij->i", offset @ slope, offset)
    return quadratic + 2.0 * offset @ (generated.mean - reference.mean)


def of_cosine(
    counted: Sequence[Mapping[str, int]], total: Mapping[str, int], reference: Mapping[str, int]
) -> NDArray[np.float64]:
    """Return the influence of each molecule on the cosine of the counts to those of a reference.

    Args:
        counted: What is counted in each of N molecules.
        total: The sum of it.
        reference: The reference's counts.
    """
    dot = sum(count * reference.get(name, 0) for name, count in total.items())
    own, other = (math.sqrt(sum(count**2 for count in counts.values())) for counts in (total, reference))
    cosine = dot / (own * other)
    slope = {name: reference.get(name, 0) / (own * other) - cosine * n / own**2 for name, n in total.items()}
    moves = [sum(n * slope[name] for name, n in counts.items()) for counts in counted]
    return len(counted) * np.array(moves)


def of_diversity(means: NDArray[np.float64], power: int) -> NDArray[np.float64]:
    """Return the influence of each molecule on the internal diversity, from its mean powered similarities.

    A molecule counts in its own row of the matrix of similarities, and in its column for all others. Their roots are
    taken to be alike there, which they are nearly.

    Args:
        means: Of `mean_powers` for `power`, float64 (N,).
        power: The power.
    """
    roots = means ** (1.0 / power)
    in_columns = means / power * np.mean(roots / means) if len(means) else means
    return -(roots + in_columns)


def of_distance(values: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the influence of each value on the 1-Wasserstein distance to a reference; neither has NaN.

    The distance is the area between two distribution functions; a value that weighs more lifts its own function from
    the value on, which adds area where it is the higher one and takes away where it is the lower.
    """
    grid = np.sort(np.concatenate([values, reference]))
    above = np.searchsorted(np.sort(values), grid[:-1], side="right") / len(values)
    below = np.searchsorted(np.sort(reference), grid[:-1], side="right") / len(reference)
    signed = np.sign(above - below) * np.diff(grid)
    from_here = np.concatenate([np.cumsum(signed[::-1])[::-1], [0.0]])
    found: NDArray[np.float64] = from_here[np.searchsorted(grid, values, side="left")]
    return found
