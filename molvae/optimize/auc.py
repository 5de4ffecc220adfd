"""How good a search was, in one number: the area under the curve of its best scores.

References:
    Gao et al., Sample efficiency matters: a benchmark for practical molecular optimization, NeurIPS Datasets and
    Benchmarks 2022, arXiv:2206.12411.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molvae.metrics.sets import top_mean


def auc_top(scores: Sequence[float] | NDArray[np.floating], n: int, budget: int, every: int = 100) -> float:
    """Return the area under the curve of the best `n` scores against the oracle calls, as PMO defines it.

    The curve is the mean of the best `n` scores so far (of all, if there are fewer). It is read every `every` calls and
    at the last call, starts at 0 at call 0, is joined by straight lines, and stays flat from the last call to the
    budget if the search ended early.

    Args:
        scores: Scores of N distinct molecules in the order of the calls, (N,), in [0, 1]; NaN counts as 0. To count
            feasible molecules only, give the others 0.
        n: How many of the best: 10 is PMO's headline, 1 and 100 are also reported.
        budget: Oracle calls that were allowed.
        every: Calls between two readings.

    Returns:
        The area divided by the budget, in [0, 1].

    Raises:
        ValueError: If there are more scores than the budget allows.
    """
    values = np.nan_to_num(np.asarray(scores, dtype=np.float64), nan=0.0)
    if len(values) > budget:
        raise ValueError(f"expected at most {budget} scores (the budget), got {len(values)}")
    if not len(values):
        return 0.0
    calls = [*range(0, len(values), every), len(values)]
    curve = [0.0, *(top_mean(values[:call], n) for call in calls[1:])]
    if len(values) < budget:
        calls.append(budget)
        curve.append(curve[-1])
    return float(np.trapezoid(curve, calls)) / budget
