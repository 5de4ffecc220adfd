"""Results of a search of the chemical space, computed from its trace."""

import heapq

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.metrics.sets import top_mean

ORIGIN_TITLES = {
    "start": "start",
    "prior": "sampled (re-fitted model)",
    "perturb": "perturbed",
    "cross": "interpolated",
    "sample": "sampled",
}
"""What a reader calls the ways to propose molecules."""


def origin_title(origin: str) -> str:
    """Return what a reader calls a way to propose molecules."""
    return ORIGIN_TITLES.get(origin, origin)


def feasible_scores(trace: pd.DataFrame) -> NDArray[np.float64]:
    """Return the score of each oracle call, NaN for a molecule that failed or violates a constraint.

    Args:
        trace: N oracle calls, columns `score` and `feasible`.

    Returns:
        float64 (N,).
    """
    return trace["score"].where(trace["feasible"].astype(bool)).to_numpy(dtype=np.float64)


def best_so_far(trace: pd.DataFrame, top: int) -> pd.Series:
    """Return the mean of the `top` best scores after each oracle call; NaN until there are that many.

    Args:
        trace: A row for each oracle call, in order.
        top: How many of the best.
    """
    best: list[float] = []
    means = np.full(len(trace), np.nan)
    for i, score in enumerate(feasible_scores(trace)):
        if not np.isnan(score):
            if len(best) < top:
                heapq.heappush(best, score)
            else:
                heapq.heappushpop(best, score)
        if len(best) == top:
            means[i] = sum(best) / top
    return pd.Series(means, index=trace.index)


def n_new(trace: pd.DataFrame) -> int:
    """Return how many new molecules were scored and satisfy the constraints."""
    return int(np.isfinite(feasible_scores(trace[~trace["in_training"].astype(bool)])).sum())


def new_top_mean(trace: pd.DataFrame, top: int) -> float:
    """Return the mean of the `top` best scores of new molecules that satisfy the constraints; NaN if there are none.

    If there are fewer than `top`, the mean is over all of them.

    Args:
        trace: A row for each oracle call, columns `score`, `feasible` and `in_training`.
        top: How many of the best.
    """
    return top_mean(feasible_scores(trace[~trace["in_training"].astype(bool)]), top)


def by_origin(trace: pd.DataFrame) -> pd.DataFrame:
    """Return oracle calls, best score and mean score for each way to propose molecules.

    Returns:
        Columns `origin, calls, best, mean, among_best` (how many of the 100 best scores came from it), the most
        frequent first.
    """
    table = pd.DataFrame({"origin": trace["origin"].map(origin_title), "score": feasible_scores(trace)})
    best = table["score"].dropna().nlargest(100).index
    table["among_best"] = table.index.isin(best)
    grouped = table.groupby("origin", sort=True).agg(
        calls=("score", "size"), best=("score", "max"), mean=("score", "mean"), among_best=("among_best", "sum")
    )
    return grouped.sort_values("calls", ascending=False, kind="stable").reset_index()
