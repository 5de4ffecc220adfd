"""The table of a plate: what is proposed, and why."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.propose.candidates import Candidates
from molvae.propose.plate import Choice
from molvae.propose.pool import Pool
from molvae.propose.rows import Unusable

# Decimals show differences of a tenth of the values' standard deviation.
_SHOWN = 10.0


@dataclass(frozen=True)
class Evidence:
    """What is known of n proposed molecules.

    Attributes:
        predicted: Predicted values, NaN where nothing was learned, float64 (n,).
        low: Lower ends of their intervals, float64 (n,).
        high: Upper ends of their intervals, float64 (n,).
        nearest: The most similar measured molecules; empty where nothing is measured.
        nearest_value: Their values, float64 (n,).
        similarity: Tanimoto similarities to them, ECFP4 (2,048 bits), float64 (n,).
        spread: Standard deviation of the measured values; 0 if there are none or they are equal.
    """

    predicted: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    nearest: list[str]
    nearest_value: NDArray[np.float64]
    similarity: NDArray[np.float64]
    spread: float


@dataclass(frozen=True)
class Proposed:
    """A plate.

    Attributes:
        table: Its molecules, columns as in `molvae.tables.PLATE`, and then those of the pool.
        unusable: The first rows of the pool that are not molecules.
    """

    table: pd.DataFrame
    unusable: list[Unusable]


def plate_table(chosen: Candidates, choices: Sequence[Choice], evidence: Evidence, pool: Pool | None) -> pd.DataFrame:
    """Return the table of a plate, columns as in `molvae.tables.PLATE`, and then those of the pool.

    Args:
        chosen: The n molecules.
        choices: How each was chosen.
        evidence: What is known of them.
        pool: Where they are from; None for molecules that are not from a pool.
    """
    table = pd.DataFrame(
        {
            "smiles": chosen.smiles,
            "predicted": evidence.predicted,
            "low": evidence.low,
            "high": evidence.high,
            "nearest": evidence.nearest,
            "nearest_value": evidence.nearest_value,
            "why": [_why(row, choice, evidence) for row, choice in enumerate(choices)],
        }
    )
    if pool is None:
        return table
    if pool.smiles_column is None:
        table["id"] = [record.id for record in chosen.records]
    titles = _titles(pool.names, taken=table.columns)
    rest = pd.DataFrame([record.extra for record in chosen.records], columns=titles, index=table.index)
    return pd.concat([table, rest], axis=1)


def _titles(names: Sequence[str], taken: Iterable[str]) -> list[str]:
    """Return names for the columns of a pool that no other column has: it may be a plate of before, or of its pool."""
    used, titles = set(taken), []
    for name in names:
        title = name
        while title in used:
            title = f"pool.{title}"
        used.add(title)
        titles.append(title)
    return titles


def _why(row: int, choice: Choice, evidence: Evidence) -> str:
    """Say why a molecule is on the plate."""
    decimals = max(0, -math.floor(math.log10(evidence.spread / _SHOWN))) if evidence.spread > 0.0 else 1
    is_predicted = math.isfinite(evidence.predicted[row])
    reasons = []
    if is_predicted:
        predicted, low, high = (numbers[row] for numbers in (evidence.predicted, evidence.low, evidence.high))
        reasons.append(f"predicted {predicted:.{decimals}f} ({low:.{decimals}f} to {high:.{decimals}f})")
    if evidence.nearest[row]:
        value, similarity = evidence.nearest_value[row], evidence.similarity[row]
        reasons.append(f"nearest measured {value:.{decimals}f} at similarity {similarity:.2f}")
    else:
        reasons.append("no value is measured yet")
    if choice.is_twin:
        reasons.append("close analogue of another one on the plate")
    elif not is_predicted:
        reasons.append("unlike the rest of the plate")
    return f"{'explore' if choice.explores else 'exploit'}: {', '.join(reasons)}"
