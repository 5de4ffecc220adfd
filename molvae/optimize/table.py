"""An objective's view of known molecules, as a table."""

from collections.abc import Sequence

import pandas as pd

from molvae.optimize.objective import Objective
from molvae.optimize.oracle import Oracle


def score_table(objective: Objective, smiles: Sequence[str], n_jobs: int = 1) -> pd.DataFrame:
    """Score known molecules.

    Args:
        objective: What to score by.
        smiles: N SMILES; repeats are computed once.
        n_jobs: Processes for many molecules or a slow objective.

    Returns:
        N rows in the same order: smiles (as given), score, feasible, and each term's raw value under the term's name;
        NaN for what is no molecule and for what could not be computed.

    Raises:
        DataError: If there are many molecules and all of them failed.
    """
    with Oracle(objective, budget=max(len(smiles), 1), n_jobs=n_jobs) as oracle:
        evaluations = oracle.score([(each, "") for each in smiles], round=0)
    table = pd.DataFrame(
        {
            "smiles": pd.Series(list(smiles), dtype="str"),
            "score": pd.Series([each.score for each in evaluations], dtype="float64"),
            "feasible": pd.Series([each.feasible for each in evaluations], dtype="bool"),
        }
    )
    for name in objective.term_names:
        # An evaluation's values are no table's: PD011 takes them for pandas'.
        table[name] = pd.Series([each.values[name] for each in evaluations], dtype="float64")  # noqa: PD011
    return table
