"""An objective's view of known molecules, as a table."""

from collections.abc import Sequence

import pandas as pd

from molvae.optimize.evaluator import warn_of_failures
from molvae.optimize.objective import Objective
from molvae.optimize.oracle import MAX_FAILURES, Oracle, value_columns


def score_table(objective: Objective, smiles: Sequence[str], n_jobs: int = 1) -> pd.DataFrame:
    """Score known molecules.

    Args:
        objective: What to score by.
        smiles: N SMILES; repeats are computed once.
        n_jobs: Processes for many molecules or a slow objective.

    Returns:
        N rows in the same order: smiles (as given), score, feasible, each term's raw value under the term's name, and
        each constraint's as `constraint.NAME`; NaN for an invalid SMILES and for what could not be computed.

    Raises:
        DataError: If the first molecules all failed, and there are many.
    """
    # Failures after a success end a search, but not this: the scores that there are have been paid for.
    budget = max(len(smiles), 1)
    with Oracle(objective, budget, n_jobs=n_jobs, patience=max(budget, MAX_FAILURES)) as oracle:
        evaluations = oracle.score([(text, "") for text in smiles], round=0)
    warn_of_failures(objective.name, oracle.evaluations)
    table = pd.DataFrame(
        {
            "smiles": pd.Series(list(smiles), dtype="str"),
            "score": pd.Series([evaluation.score for evaluation in evaluations], dtype="float64"),
            "feasible": pd.Series([evaluation.feasible for evaluation in evaluations], dtype="bool"),
        }
    )
    return pd.concat([table, value_columns(objective, evaluations, "")], axis=1)
