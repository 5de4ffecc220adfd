"""The molecules that a search proposes as candidates."""

import pandas as pd

from molvae.chem.descriptors import compute_properties
from molvae.chem.fingerprints import morgan_bits, nearest
from molvae.tables import CHANGE, CONSTRAINT, TERM

_CHANGED = ("mol_weight", "logp", "tpsa", "qed")
"""Properties whose changes from the lead are in the table."""


def candidates_table(
    trace: pd.DataFrame, known: set[str], train: list[str], n_candidates: int, lead: str | None = None
) -> pd.DataFrame:
    """Return the best new molecules of a trace that satisfy the constraints and have a score above 0.

    Args:
        trace: Oracle calls, see `Oracle.trace`.
        known: Canonical SMILES of all prepared molecules, which are not new.
        train: Training molecules, among which the nearest is named; may be empty.
        n_candidates: Most candidates.
        lead: Canonical SMILES of the lead, if there is one.

    Returns:
        Columns rank, smiles, score, call, origin, nearest_train_smiles, nearest_train_similarity (Tanimoto of
        1,024-bit ECFP4), the raw value of each term and constraint, the changes of the terms and of some properties
        from the lead, and the molecules' properties; the best first.
    """
    eligible = trace["feasible"] & (trace["score"] > 0.0) & ~trace["in_training"] & ~trace["smiles"].isin(known)
    best = trace[eligible].sort_values(["score", "call"], ascending=[False, True]).head(n_candidates)
    chosen = best.reset_index(drop=True)
    smiles = chosen["smiles"].tolist()
    table = chosen[["smiles", "score", "call", "origin"]].copy()
    table.insert(0, "rank", range(1, len(table) + 1))
    table["nearest_train_smiles"], table["nearest_train_similarity"] = _nearest(smiles, train)
    values = chosen[[column for column in chosen.columns if column.startswith((TERM, CONSTRAINT))]]
    properties = compute_properties(smiles)
    changes = [] if lead is None else [_changes(lead, trace, values, properties)]
    return pd.concat([table, values, *changes, properties], axis=1)


def _changes(lead: str, trace: pd.DataFrame, values: pd.DataFrame, properties: pd.DataFrame) -> pd.DataFrame:
    """Return what became of the terms and of some properties, candidate less lead."""
    calls = trace[trace["smiles"] == lead]
    terms = [column for column in values.columns if column.startswith(TERM)] if len(calls) else []
    changes = {f"{CHANGE}{term.removeprefix(TERM)}": values[term] - calls[term].iloc[0] for term in terms}
    own = compute_properties([lead], list(_CHANGED)).iloc[0]
    return pd.DataFrame({f"{CHANGE}{name}": properties[name] - own[name] for name in _CHANGED} | changes)


def _nearest(smiles: list[str], train: list[str]) -> tuple[list[str], list[float]]:
    if not train or not smiles:
        return [""] * len(smiles), [float("nan")] * len(smiles)
    similarity, index = nearest(morgan_bits(smiles), morgan_bits(train))
    return [train[i] for i in index], [round(float(value), 4) for value in similarity]
