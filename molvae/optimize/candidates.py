"""The molecules that a search proposes as candidates."""

import pandas as pd

from molvae.chem.descriptors import compute_properties
from molvae.chem.fingerprints import morgan_bits, nearest
from molvae.tables import CONSTRAINT, TERM


def candidates_table(trace: pd.DataFrame, known: set[str], train: list[str], n_candidates: int) -> pd.DataFrame:
    """Return the best new molecules of a trace that satisfy the constraints and have a score above 0.

    Args:
        trace: Oracle calls, see `Oracle.trace`.
        known: Canonical SMILES of all prepared molecules, which are not new.
        train: Training molecules, among which the nearest is named; may be empty.
        n_candidates: Most candidates.

    Returns:
        Columns rank, smiles, score, call, origin, nearest_train_smiles, nearest_train_similarity (Tanimoto of
        1,024-bit ECFP4), the raw value of each term and constraint, and the molecules' properties; the best first.
    """
    eligible = trace["feasible"] & (trace["score"] > 0.0) & ~trace["in_training"] & ~trace["smiles"].isin(known)
    best = trace[eligible].sort_values(["score", "call"], ascending=[False, True]).head(n_candidates)
    chosen = best.reset_index(drop=True)
    smiles = chosen["smiles"].tolist()
    table = chosen[["smiles", "score", "call", "origin"]].copy()
    table.insert(0, "rank", range(1, len(table) + 1))
    table["nearest_train_smiles"], table["nearest_train_similarity"] = _nearest(smiles, train)
    values = chosen[[column for column in chosen.columns if column.startswith((TERM, CONSTRAINT))]]
    return pd.concat([table, values, compute_properties(smiles)], axis=1)


def _nearest(smiles: list[str], train: list[str]) -> tuple[list[str], list[float]]:
    if not train or not smiles:
        return [""] * len(smiles), [float("nan")] * len(smiles)
    similarity, index = nearest(morgan_bits(smiles), morgan_bits(train))
    return [train[i] for i in index], [round(float(value), 4) for value in similarity]
