"""A measured number with its denominator and its definition, as the metrics files hold it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metric:
    """One measured number.

    Attributes:
        value: The number; NaN where there is nothing to measure it on.
        n: How many molecules (strings or tokens, where the definition says so) it was measured on.
        definition: What it says, in a sentence.
        n_reference: How many reference molecules it was measured against, if any.
        warning: Why it should be read with care, if so.
        interval: Where it would lie, with 95 % confidence, for another sample of the same size, if that is known.
    """

    value: float
    n: int
    definition: str
    n_reference: int | None = None
    warning: str | None = None
    interval: tuple[float, float] | None = None


def as_json(figures: Mapping[str, Metric]) -> dict[str, dict[str, Any]]:
    """Return what a metrics file holds of figures: null for NaN, and no entry for what a figure does not have."""
    return {name: _entries(figure) for name, figure in figures.items()}


def _entries(figure: Metric) -> dict[str, Any]:
    entries = {
        "value": None if math.isnan(figure.value) else figure.value,
        "interval": None if figure.interval is None else list(figure.interval),
        "n": figure.n,
        "n_reference": figure.n_reference,
        "definition": figure.definition,
        "warning": figure.warning,
    }
    return {name: entry for name, entry in entries.items() if name == "value" or entry is not None}
