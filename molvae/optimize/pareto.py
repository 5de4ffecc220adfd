"""Goals that are kept apart: which molecules are not dominated, how much they dominate, and which is the knee.

All goals are maximised: the values are desirabilities in [0, 1] wherever they come from an objective.
"""

from random import Random

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Weight of the sum in the augmented scalarisation, as in ParEGO.
_AUGMENTATION = 0.05
# A direction is never parallel to an axis: a goal's value is divided by its component.
_MIN_COMPONENT = 1e-3


def is_non_dominated(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which of N points no other one dominates.

    A point dominates another if it is at least as good in each goal and better in one. Equal points do not dominate
    each other.

    Args:
        values: float64 (N, K).

    Returns:
        bool (N,).
    """
    # A point can be dominated only by one with a larger sum, or by one that rounding gives the same sum.
    order = np.lexsort((*values.T[::-1], values.sum(axis=1)))[::-1] if len(values) else np.empty(0, np.int64)
    kept = np.zeros(len(values), dtype=bool)
    left = order
    while len(left):
        first, others = values[left[0]], values[left[1:]]
        kept[left[0]] = True
        dominated = (others <= first).all(axis=1) & (others < first).any(axis=1)
        left = left[1:][~dominated]
    return kept


def front_ranks(values: NDArray[np.float64], n: int | None = None) -> NDArray[np.int64]:
    """Sort N points into fronts: the first is not dominated, the second is not once the first is taken away, and so on.

    Args:
        values: float64 (N, K).
        n: Stop after the front with which at least n points have a rank; all are ranked by default.

    Returns:
        Ranks from 1, int64 (N,); 0 for points that were not ranked.

    References:
        Deb et al., A fast and elitist multiobjective genetic algorithm: NSGA-II, IEEE Transactions on Evolutionary
        Computation 2002, doi:10.1109/4235.996017.
    """
    ranks = np.zeros(len(values), dtype=np.int64)
    left, wanted = np.arange(len(values)), len(values) if n is None else min(n, len(values))
    rank = 0
    while len(values) - len(left) < wanted:
        rank += 1
        is_front = is_non_dominated(values[left])
        ranks[left[is_front]] = rank
        left = left[~is_front]
    return ranks


def hypervolume(values: NDArray[np.float64], reference: ArrayLike = 0.0) -> float:
    """Return the volume that N points dominate, bounded by a reference point.

    It is exact. The time grows quickly with the number of goals; some hundred points of four goals take seconds.

    Args:
        values: float64 (N, K); goals that do not exceed the reference contribute nothing.
        reference: The reference point, float64 (K,), or one number for all goals.

    References:
        While, Bradstreet and Barone, A fast way of calculating exact hypervolumes, IEEE Transactions on Evolutionary
        Computation 2012, doi:10.1109/TEVC.2010.2077298 (the exclusive hypervolume of a point by limiting the others
        to it, with slices along the last goal).
    """
    above = _above(values, reference)
    return _volume(above[(above > 0.0).all(axis=1)])


def hypervolume_course(values: NDArray[np.float64], reference: ArrayLike = 0.0) -> NDArray[np.float64]:
    """Return the hypervolume of the first 1, 2, ..., N points, float64 (N,); points with a NaN contribute nothing."""
    above = np.nan_to_num(_above(values, reference))
    gains = np.zeros(len(above))
    front = np.empty((0, above.shape[1]))
    for i, point in enumerate(above):
        if (point > 0.0).all() and not (front >= point).all(axis=1).any():
            gains[i] = _exclusive(point, front)
            front = np.vstack([front[~(front <= point).all(axis=1)], point])
    return np.cumsum(gains)


def _above(values: NDArray[np.float64], reference: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values - np.asarray(reference, dtype=np.float64))


def _volume(points: NDArray[np.float64]) -> float:
    """Return the volume between 0 and N positive points."""
    points = np.unique(points[is_non_dominated(points)], axis=0)
    if points.shape[1] == 1 or len(points) < 2:
        return float(points.prod(axis=1).max(initial=0.0))
    points = points[np.argsort(-points[:, -1], kind="stable")]
    if points.shape[1] == 2:
        widths = np.diff(points[:, 0], prepend=0.0)
        return float((widths * points[:, 1]).sum())
    # Those before a point reach at least as far in the last goal: what they share with it is bounded by it there.
    slices = (last * _exclusive(points[i, :-1], points[:i, :-1]) for i, last in enumerate(points[:, -1]))
    return float(sum(slices))


def _exclusive(point: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Return the volume that a point dominates and N others do not."""
    return float(point.prod()) - _volume(np.minimum(others, point))


def front_order(values: NDArray[np.float64], scores: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Return the rows of the n best of N points: those of the first front, then of the second, and so on.

    Args:
        values: float64 (N, K).
        scores: Those of the same front are ordered by these, the largest first, float64 (N,).
        n: How many.
    """
    ranks = front_ranks(values, n)
    order = np.lexsort((-scores, np.where(ranks == 0, len(values), ranks)))
    return order[: min(n, len(values))]


def knee(values: NDArray[np.float64]) -> int:
    """Return the row of the knee of a front: a compromise beyond which a goal gains little and the others lose much.

    It is the point nearest to the ideal one, which has the best value of each goal, once each goal is scaled to its
    range on the front; the first one of several. The distance from the line between the ends of the front, which is
    used as well, leads to an end where the front is bent inwards.

    Args:
        values: The front, float64 (N, K) with N at least 1.

    References:
        Yu, A class of solutions for group decision problems, Management Science 1973, doi:10.1287/mnsc.19.8.936 (the
        compromise solution, of the Euclidean distance).
    """
    low, width = values.min(axis=0), np.ptp(values, axis=0)
    scaled = np.where(width > 0.0, (values - low) / np.where(width > 0.0, width, 1.0), 1.0)
    return int(np.square(1.0 - scaled).sum(axis=1).argmin())


def draw_direction(n_goals: int, rng: Random) -> NDArray[np.float64]:
    """Draw a direction from the positive part of the unit sphere uniformly, float64 (K,)."""
    direction = np.array([abs(rng.gauss(0.0, 1.0)) for _ in range(n_goals)]) + _MIN_COMPONENT
    return np.asarray(direction / np.linalg.norm(direction))


def scalarise(
    values: NDArray[np.float64], reference: NDArray[np.float64], direction: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return one number for each of N points: how far it reaches from the reference point in a direction.

    The mean over directions of the K-th power of the best such reach is proportional to the hypervolume, so that a
    search which improves it in random directions improves the hypervolume. A small part of the sum is added, which
    tells points apart that reach equally far.

    Args:
        values: float64 (N, K).
        reference: The reference point, float64 (K,).
        direction: Positive, of length 1, float64 (K,).

    Returns:
        float64 (N,), at least 0.

    References:
        Golovin and Zhang, Random hypervolume scalarizations for provable multi-objective black box optimization, ICML
        2020, arXiv:2006.04655.
        Knowles, ParEGO: a hybrid algorithm with on-line landscape approximation for expensive multiobjective
        optimization problems, IEEE Transactions on Evolutionary Computation 2006, doi:10.1109/TEVC.2005.851274 (the
        part of the sum).
    """
    above = np.clip(values - reference, 0.0, None)
    reach = (above / direction).min(axis=1, initial=np.inf)
    return np.asarray(reach + _AUGMENTATION * above.sum(axis=1))
