"""The value of a metric with its sample size and its definition, as the metrics files hold it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Metric:
    """The value of one metric.

    Attributes:
        value: The value; NaN where there is nothing to compute it from.
        n: Number of molecules (strings, tokens or pairs, where the definition says so) that it was computed from.
        definition: What it is, in a sentence.
        unit: Its unit; `fraction` for fractions of 1, empty for other numbers without a unit.
        better: Which values are better; None where neither is.
        n_reference: Number of reference molecules that it compares with, if any.
        warning: Why to read it with care, if there is a reason.
        interval: Its 95 % confidence interval for another sample of the same size, where that is known.
    """

    value: float
    n: int
    definition: str
    unit: str = ""
    better: Direction | None = None
    n_reference: int | None = None
    warning: str | None = None
    interval: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what a metrics file holds of it: null for a value of NaN, and no entry for what it does not have."""
        entries = {
            "value": null_for_nan(self.value),
            "interval": None if self.interval is None else list(self.interval),
            "n": self.n,
            "n_reference": self.n_reference,
            "unit": self.unit or None,
            "better": self.better,
            "definition": self.definition,
            "warning": self.warning,
        }
        return {name: entry for name, entry in entries.items() if name == "value" or entry is not None}

    @classmethod
    def from_json(cls, entries: Mapping[str, Any]) -> "Metric":
        """Return the metric from what `to_json` returned; files of earlier versions have neither unit nor direction."""
        interval = entries.get("interval")
        return cls(
            value=math.nan if entries["value"] is None else float(entries["value"]),
            n=int(entries["n"]),
            definition=str(entries["definition"]),
            unit=entries.get("unit", ""),
            better=entries.get("better"),
            n_reference=entries.get("n_reference"),
            warning=entries.get("warning"),
            interval=(float(interval[0]), float(interval[1])) if interval else None,
        )


def null_for_nan(value: float) -> float | None:
    """Return a number as JSON can hold it, which has no NaN."""
    return None if math.isnan(value) else value


def to_json(metrics: Mapping[str, Metric]) -> dict[str, dict[str, Any]]:
    """Return what a metrics file holds of metrics, by their names."""
    return {name: metric.to_json() for name, metric in metrics.items()}
