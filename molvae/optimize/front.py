"""The front of a search whose goals stay apart: the molecules that no other one dominates."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.optimize.objective import Evaluation, Objective
from molvae.optimize.pareto import hypervolume_course, is_non_dominated, knee
from molvae.tables import DESIRABILITY, TERM


def desirability_columns(table: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """Return the desirability of each term for N oracle calls.

    Args:
        table: N rows of a trace.
        objective: What was searched for.

    Returns:
        float64 columns `desirability.NAME`, NaN for calls that failed.
    """
    values = table[[f"{TERM}{name}" for name in objective.term_names]].where(table["status"] == "ok")
    names, spec = objective.term_names, objective.spec
    rows = [spec.desirabilities(dict(zip(names, row, strict=True))) for row in values.to_numpy()]
    desirabilities = pd.DataFrame(rows, table.index, list(objective.term_names), dtype="float64")
    return desirabilities.add_prefix(DESIRABILITY)


def front_table(trace: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """Return the calls of a trace that are feasible and that no other one dominates, the best of the first term first.

    Args:
        trace: Oracle calls, see `Oracle.trace`.
        objective: What was searched for.

    Returns:
        See `molvae.tables.FRONT`.
    """
    feasible = trace[trace["feasible"]]
    desirabilities = desirability_columns(feasible, objective)
    is_front = is_non_dominated(desirabilities.to_numpy())
    table = feasible.loc[is_front, ["smiles", "score", "call", "origin", "in_training"]]
    table["knee"] = np.arange(len(table)) == (knee(desirabilities[is_front].to_numpy()) if len(table) else -1)
    values = feasible.loc[is_front, [column for column in feasible.columns if column.startswith(TERM)]]
    table = pd.concat([table, values, desirabilities[is_front]], axis=1)
    first, *_ = desirabilities.columns
    return table.sort_values([first, "call"], ascending=[False, True]).reset_index(drop=True)


def hypervolume_summary(trace: pd.DataFrame, objective: Objective) -> dict[str, Any]:
    """Return the hypervolume of the desirabilities of a trace's feasible molecules, and its course.

    Returns:
        `hypervolume`; `reference_point`, the desirabilities above which it is measured, by term; and
        `hypervolume_course`, the calls at which it grew, each as `[call, hypervolume]`.
    """
    desirabilities = desirability_columns(trace, objective).where(trace["feasible"]).to_numpy()
    course = hypervolume_course(desirabilities, objective.reference_point)
    grew = np.diff(course, prepend=0.0) > 0.0
    steps = zip(trace["call"].to_numpy()[grew].tolist(), course[grew].tolist(), strict=True)
    return {
        "hypervolume": float(course[-1]) if len(course) else 0.0,
        "reference_point": dict(zip(objective.term_names, objective.reference_point.tolist(), strict=True)),
        "hypervolume_course": [list(step) for step in steps],
    }


def desirability_matrix(evaluations: Sequence[Evaluation], objective: Objective) -> NDArray[np.float64]:
    """Return the desirabilities of N evaluations, float64 (N, K)."""
    rows = [[evaluation.desirabilities[name] for name in objective.term_names] for evaluation in evaluations]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(objective.term_names))
