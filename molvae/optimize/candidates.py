"""The molecules that a search hands out."""

import pandas as pd

from molvae.chem.descriptors import compute_properties
from molvae.chem.fingerprints import morgan_bits, nearest


def candidates_table(trace: pd.DataFrame, known: set[str], train: list[str], most: int) -> pd.DataFrame:
    """Return the best feasible molecules of a trace that nobody gave it.

    Args:
        trace: Oracle calls, see `Oracle.trace`.
        known: Canonical SMILES of all prepared molecules, which are no candidates.
        train: Training molecules, to name the nearest; may be empty.
        most: Most candidates.

    Returns:
        Columns rank, smiles, score, call, origin, nearest_train_smiles, nearest_train_similarity (Tanimoto of
        1,024-bit ECFP4), the raw value of each term, and the molecules' properties; the best first.
    """
    fits = trace["feasible"] & ~trace["in_training"] & ~trace["smiles"].isin(known)
    chosen = trace[fits].sort_values(["score", "call"], ascending=[False, True]).head(most).reset_index(drop=True)
    smiles = chosen["smiles"].tolist()
    table = chosen[["smiles", "score", "call", "origin"]].copy()
    table.insert(0, "rank", range(1, len(table) + 1))
    table["nearest_train_smiles"], table["nearest_train_similarity"] = _nearest(smiles, train)
    terms = chosen[[column for column in chosen.columns if column.startswith("term.")]]
    return pd.concat([table, terms, compute_properties(smiles)], axis=1)


def _nearest(smiles: list[str], train: list[str]) -> tuple[list[str], list[float]]:
    if not train or not smiles:
        return [""] * len(smiles), [float("nan")] * len(smiles)
    similarity, index = nearest(morgan_bits(smiles), morgan_bits(train))
    return [train[i] for i in index], [round(float(each), 4) for each in similarity]
