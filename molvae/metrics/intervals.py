"""Confidence intervals of metrics: where they would lie for another sample of the same size.

A metric is written as a mean over the sampled molecules: of the averaged values where it is an average, otherwise of
its influence function, the derivative of the metric with respect to the weight of a molecule. Bootstrap resampling of
that mean gives the interval. The reference molecules are held fixed.

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
MIN_FOR_INFLUENCE = 10

Interval = tuple[float, float]


def wilson_interval(fraction: float, n: int) -> Interval | None:
    """Return Wilson's score interval of a fraction of n; unlike a bootstrap interval, it has a width at 0 and 1."""
    if n == 0:
        return None
    low, high = binomtest(round(fraction * n), n).proportion_ci(CONFIDENCE, method="wilson")
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


def influence_interval(
    value: float, influence: NDArray[np.float64], seed: int, *, bounds: Interval = (-math.inf, math.inf)
) -> Interval | None:
    """Return the bootstrap interval of a metric from the influence of each molecule on it.

    There is none for fewer than `MIN_FOR_INFLUENCE` molecules, where a metric is no mean of influences: the diversity
    of two molecules has the same influence on both, and would have an interval without width.

    Args:
        value: The value of the metric.
        influence: Its influence function at each molecule, (N,).
        seed: Seed of the resampling.
        bounds: Smallest and largest value that the metric can have.
    """
    shift = mean_interval(influence - influence.mean(), seed) if len(influence) >= MIN_FOR_INFLUENCE else None
    if shift is None:
        return None
    low, high = (min(max(value + end, bounds[0]), bounds[1]) for end in shift)
    return low, high


def frechet_influence(activations: NDArray[np.float32], generated: Moments, reference: Moments) -> NDArray[np.float64]:
    """Return the influence of each molecule on the Fréchet distance of the generated ones to a reference, float64 (N,).

    The derivative of the distance with respect to the mean is 2 (m1 - m2), and with respect to the covariance I - T,
    where T is the optimal transport map between the two Gaussians.

    Args:
        activations: ChemNet activations of the generated molecules, float32 (N, 512).
        generated: Their moments.
        reference: The moments of the reference.
    """
    offset = activations - generated.mean
    slope = np.eye(len(generated.mean)) - transport_map(generated, reference)
    quadratic: NDArray[np.float64] = np.einsum("ij,ij->i", offset @ slope, offset)
    return quadratic + 2.0 * offset @ (generated.mean - reference.mean)


def cosine_influence(
    counted: Sequence[Mapping[str, int]], total: Mapping[str, int], reference: Mapping[str, int]
) -> NDArray[np.float64]:
    """Return the influence of each molecule on the cosine similarity of the counts to a reference's, float64 (N,).

    Args:
        counted: Counts of the items in each of N molecules.
        total: The sum of these counts.
        reference: The counts of the reference.
    """
    dot = sum(count * reference.get(name, 0) for name, count in total.items())
    own, other = (math.sqrt(sum(count**2 for count in counts.values())) for counts in (total, reference))
    cosine = dot / (own * other)
    slope = {name: reference.get(name, 0) / (own * other) - cosine * n / own**2 for name, n in total.items()}
    moves = [sum(n * slope[name] for name, n in counts.items()) for counts in counted]
    return len(counted) * np.array(moves)


def diversity_influence(means: NDArray[np.float64], power: int) -> NDArray[np.float64]:
    """Return the influence of each molecule on the internal diversity, float64 (N,).

    A molecule enters through its own row of the similarity matrix, and through its column in the rows of all others;
    for the latter, the roots are approximated as equal.

    Args:
        means: Mean powered similarity of each molecule to all of them, from `mean_powers` for `power`, float64 (N,).
        power: The power.
    """
    roots = means ** (1.0 / power)
    in_columns = means / power * np.mean(roots / means) if len(means) else means
    return -(roots + in_columns)


def wasserstein_influence(values: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the influence of each value on the 1-Wasserstein distance to a reference, float64 (N,); neither has NaN.

    The distance is the area between the two cumulative distribution functions. More weight on a value raises its
    function to the right of it, which adds area where this is the higher one and removes area where it is the lower.
    """
    grid = np.sort(np.concatenate([values, reference]))
    own = np.searchsorted(np.sort(values), grid[:-1], side="right") / len(values)
    other = np.searchsorted(np.sort(reference), grid[:-1], side="right") / len(reference)
    signed = np.sign(own - other) * np.diff(grid)
    to_the_right = np.concatenate([np.cumsum(signed[::-1])[::-1], [0.0]])
    influence: NDArray[np.float64] = to_the_right[np.searchsorted(grid, values, side="left")]
    return influence
