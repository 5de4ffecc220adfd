"""A summary of preparation, for summary.json, the log and the report."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molvae.prepare.leakage import CLOSE, Leakage


@dataclass(frozen=True)
class LengthStatistics:
    """Length of the SELFIES of the kept molecules, in tokens without start and end."""

    minimum: int
    mean: float
    median: float
    percentile_99: float
    maximum: int

    @classmethod
    def from_counts(cls, counts: NDArray[np.int64]) -> "LengthStatistics":
        """Return the statistics of a histogram: the number of molecules of length 0, 1, 2, ..., at least one in all."""
        lengths = np.flatnonzero(counts)
        return cls(
            minimum=int(lengths[0]),
            mean=round(float(lengths @ counts[lengths] / counts.sum()), 3),
            median=_quantile(counts, 0.5),
            percentile_99=round(_quantile(counts, 0.99), 3),
            maximum=int(lengths[-1]),
        )


def _quantile(counts: NDArray[np.int64], q: float) -> float:
    """Return a quantile of a histogram of lengths, linearly interpolated as in `numpy.quantile`."""
    at = q * (counts.sum() - 1)
    below, above = np.searchsorted(np.cumsum(counts), [np.floor(at), np.ceil(at)], side="right")
    return float(below + (above - below) * (at - np.floor(at)))


@dataclass(frozen=True)
class PropertyStatistics:
    """A measured property of the kept molecules.

    Attributes:
        unit: Its unit, from the settings.
        n: Number of molecules with a value.
        not_numbers: Number of cells of accepted rows that are neither a number nor a bound; they are left out.
        minimum: Lowest value; None if there is none.
        mean: Mean value.
        maximum: Highest value.
        repeated: Number of molecules with several values, which were merged.
        max_sd: Largest standard deviation of the values of one molecule; None if none has several.
        censored: Number of cells of accepted rows that are bounds, such as `>10`; they are kept apart.
        censored_example: One of them.
        not_number_example: A cell that is not a number.
    """

    unit: str
    n: int
    not_numbers: int
    minimum: float | None
    mean: float | None
    maximum: float | None
    repeated: int = 0
    max_sd: float | None = None
    censored: int = 0
    censored_example: str = ""
    not_number_example: str = ""

    def line(self, name: str) -> str:
        """Return the statistics as a line of text."""
        parts = [f"{self.n:,} values"]
        if self.repeated:
            parts.append(f"{self.repeated:,} of them merged from several, of standard deviations to {self.max_sd:.3g}")
        if self.censored:
            parts.append(f"{self.censored:,} censored, such as {self.censored_example!r}, kept apart")
        if self.not_numbers:
            parts.append(f"{self.not_numbers:,} cells are not numbers, such as {self.not_number_example!r}: left out")
        return f"prepare: {name}: " + "; ".join(parts)


@dataclass(frozen=True)
class PrepareSummary:
    """Rows by outcome: `read` + `stereoisomers` = `kept` + `duplicates` + the sum of `rejected`.

    Attributes:
        read: Rows read that are not blank.
        stereoisomers: Rows added by `stereo: enumerate`.
        kept: Molecules in molecules.parquet.
        duplicates: Rows that repeat an earlier molecule, or one of the separate test file.
        rejected: Rejected rows by reason, with every reason listed.
        splits: Molecules in each split.
        changed: Rows, kept or duplicate, changed by each step of standardisation.
        selfies_length: Lengths of the SELFIES.
        vocabulary_size: Tokens of the training split, with the three special ones.
        leakage: Similarity of each held-out split to the training molecules.
        properties: The measured properties.
    """

    read: int
    stereoisomers: int
    kept: int
    duplicates: int
    rejected: dict[str, int]
    splits: dict[str, int]
    changed: dict[str, int]
    selfies_length: LengthStatistics
    vocabulary_size: int
    leakage: dict[str, Leakage]
    properties: dict[str, PropertyStatistics]

    def lines(self) -> list[str]:
        """Return the summary as a few lines of text."""
        reasons = [f"{count:,} {reason}" for reason, count in self.rejected.items() if count]
        changed = [f"{step} {count:,}" for step, count in self.changed.items() if count]
        isomers = f" and {self.stereoisomers:,} further stereoisomers" if self.stereoisomers else ""
        splits = ", ".join(f"{count:,} {split}" for split, count in self.splits.items())
        return [
            f"prepare: kept {self.kept:,} of {self.read:,} rows{isomers} ({splits}); {self.duplicates:,} duplicates, "
            f"{sum(self.rejected.values()):,} rejected" + (f" ({', '.join(reasons)})" if reasons else ""),
            f"prepare: {self.vocabulary_size} tokens, SELFIES of {self.selfies_length.mean:.1f} tokens on average, "
            f"{self.selfies_length.maximum} at most; standardisation changed: {', '.join(changed) or 'nothing'}",
            *(
                f"prepare: {split} molecules have a nearest training molecule of similarity {leak.median:.2f} "
                f"(median); {leak.close:.0%} have one of at least {CLOSE}"
                for split, leak in self.leakage.items()
            ),
            *(statistics.line(name) for name, statistics in self.properties.items()),
        ]
