"""What a search of the chemical space came to, from its trace."""

import heapq

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.metrics.sets import top_mean


def counted_scores(trace: pd.DataFrame) -> NDArray[np.float64]:
    """Return the scores that count: NaN for a failed molecule and for one that breaks a constraint.

    Args:
        trace: A row for each oracle call, columns `score` and `feasible`.
    """
    return trace["score"].where(trace["feasible"].astype(bool)).to_numpy(dtype=np.float64)


def best_so_far(trace: pd.DataFrame, top: int) -> pd.Series:
    """Return the mean of the best `top` scores after each oracle call; NaN until there are that many.

    Args:
        trace: A row for each oracle call, in order.
        top: How many of the best.
    """
    best: list[float] = []
    means = np.full(len(trace), np.nan)
    for place, score in enumerate(counted_scores(trace)):
        if not np.isnan(score):
            if len(best) < top:
                heapq.heappush(best, score)
            else:
                heapq.heappushpop(best, score)
        if len(best) == top:
            means[place] = sum(best) / top
    return pd.Series(means, index=trace.index)


def n_new(trace: pd.DataFrame) -> int:
    """Return how many new molecules have a score that counts."""
    return int(np.isfinite(counted_scores(trace[~trace["in_training"].astype(bool)])).sum())


def new_top_mean(trace: pd.DataFrame, top: int) -> float:
    """Return the mean of the best `top` scores of new molecules (of all, if there are fewer); NaN if none counts.

    Args:
        trace: A row for each oracle call, columns `score`, `feasible` and `in_training`.
        top: How many of the best.
    """
    return top_mean(counted_scores(trace[~trace["in_training"].astype(bool)]), top)


def by_origin(trace: pd.DataFrame) -> pd.DataFrame:
    """Return calls, best score and mean score for each way by which molecules were proposed.

    Returns:
        Columns `origin, calls, best, mean, among_best` (how many of the hundred best scores came that way), the most
        frequent first.
    """
    table = pd.DataFrame({"origin": trace["origin"], "score": counted_scores(trace)})
    best = table["score"].dropna().nlargest(100).index
    table["among_best"] = table.index.isin(best)
    grouped = table.groupby("origin", sort=True).agg(
        calls=("score", "size"), best=("score", "max"), mean=("score", "mean"), among_best=("among_best", "sum")
    )
    return grouped.sort_values("calls", ascending=False, kind="stable").reset_index()
