"""What preparation did, in numbers: for people, for the report, and for summary.json."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molvae.chem.standardise import STEPS
from molvae.prepare.convert import Reason
from molvae.prepare.leakage import CLOSE, Leakage
from molvae.prepare.split import SPLITS


@dataclass(frozen=True)
class LengthStatistics:
    """How long the SELFIES of the kept molecules are, in tokens without start and end."""

    minimum: int
    mean: float
    median: float
    percentile_99: float
    maximum: int

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> "LengthStatistics":
        """Return the statistics of lengths, given how many molecules have length 0, 1, 2, ...; at least one has any."""
        lengths = np.flatnonzero(counts)
        return cls(
            minimum=int(lengths[0]),
            mean=round(float(lengths @ counts[lengths] / counts.sum()), 3),
            median=_quantile(counts, 0.5),
            percentile_99=round(_quantile(counts, 0.99), 3),
            maximum=int(lengths[-1]),
        )


def _quantile(counts: NDArray[np.int64], share: float) -> float:
    """Return the value below which a share of the lengths is, in between two where it falls between them."""
    at = share * (counts.sum() - 1)
    below, above = np.searchsorted(np.cumsum(counts), [np.floor(at), np.ceil(at)], side="right")
    return float(below + (above - below) * (at - np.floor(at)))


@dataclass(frozen=True)
class PropertyStatistics:
    """A measured property of the kept molecules.

    Attributes:
        unit: Its unit, from the settings.
        n: Molecules that have a value.
        not_numbers: Molecules whose cell holds something that is no number, such as `>10`; it is left out.
        minimum: Lowest value; None without any.
        mean: Mean value.
        maximum: Highest value.
    """

    unit: str
    n: int
    not_numbers: int
    minimum: float | None
    mean: float | None
    maximum: float | None


@dataclass(frozen=True)
class PrepareSummary:
    """What became of the rows: `read` + `stereoisomers` = `kept` + `duplicates` + the sum of `rejected`.

    Attributes:
        read: Rows read that are not blank.
        stereoisomers: Rows added by `stereo: enumerate`, where a row became several molecules.
        kept: Molecules in molecules.parquet.
        duplicates: Rows whose molecule came before, or stands in the separate test file.
        rejected: Rows by the reason for which they were rejected, every reason listed.
        splits: Molecules in each split.
        changed: Rows, kept or duplicate, that each step of standardisation changed.
        selfies_length: Lengths of the kept molecules.
        vocabulary_size: Tokens of the training split, with the three special ones.
        leakage: For each held-out split, how similar its molecules are to the training molecules.
        properties: The measured properties that were carried along.
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

    @classmethod
    def of(
        cls,
        *,
        read: int,
        stereoisomers: int,
        reasons: Mapping[Reason, int],
        steps: Mapping[str, int],
        splits: Mapping[str, int],
        lengths: NDArray[np.int64],
        vocabulary_size: int,
        leakage: Mapping[str, Leakage],
        properties: Mapping[str, PropertyStatistics],
    ) -> "PrepareSummary":
        """Count up: `splits` are the molecules in each split, `lengths` those of each length from 0."""
        return cls(
            read=read,
            stereoisomers=stereoisomers,
            kept=sum(splits.values()),
            duplicates=reasons.get(Reason.DUPLICATE, 0),
            rejected={reason.value: reasons.get(reason, 0) for reason in Reason if reason is not Reason.DUPLICATE},
            splits={split: splits[split] for split in SPLITS},
            changed={step: steps.get(step, 0) for step in STEPS},
            selfies_length=LengthStatistics.of(lengths),
            vocabulary_size=vocabulary_size,
            leakage=dict(leakage),
            properties=dict(properties),
        )

    def lines(self) -> list[str]:
        """Say it in a few lines for people."""
        why = [f"{count:,} {reason}" for reason, count in self.rejected.items() if count]
        changed = [f"{step} {count:,}" for step, count in self.changed.items() if count]
        isomers = f" and {self.stereoisomers:,} further stereoisomers" if self.stereoisomers else ""
        splits = ", ".join(f"{count:,} {split}" for split, count in self.splits.items())
        return [
            f"prepare: kept {self.kept:,} of {self.read:,} rows{isomers} ({splits}); {self.duplicates:,} duplicates, "
            f"{sum(self.rejected.values()):,} rejected" + (f" ({', '.join(why)})" if why else ""),
            f"prepare: {self.vocabulary_size} tokens, SELFIES of {self.selfies_length.mean:.1f} tokens on average, "
            f"{self.selfies_length.maximum} at most; standardisation changed: {', '.join(changed) or 'nothing'}",
            *(
                f"prepare: {split} molecules have a nearest training molecule of similarity {each.median:.2f} "
                f"(median); {each.close:.0%} have one of at least {CLOSE}"
                for split, each in self.leakage.items()
            ),
        ]
