"""What preparation did, in numbers: for people, for the report, and for summary.json."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from molvae.chem.standardise import STEPS
from molvae.prepare.convert import Reason
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
    def of(cls, lengths: Sequence[int]) -> "LengthStatistics":
        """Return the statistics of at least one length."""
        values = np.asarray(lengths)
        return cls(
            minimum=int(values.min()),
            mean=round(float(values.mean()), 3),
            median=float(np.median(values)),
            percentile_99=round(float(np.percentile(values, 99)), 3),
            maximum=int(values.max()),
        )


@dataclass(frozen=True)
class PrepareSummary:
    """What became of the rows: `read` = `kept` + `duplicates` + the sum of `rejected`.

    Attributes:
        read: Rows read that are not blank.
        kept: Molecules in molecules.parquet.
        duplicates: Rows whose molecule came before, or stands in the separate test file.
        rejected: Rows by the reason for which they were rejected, every reason listed.
        splits: Molecules in each split.
        changed: Rows, kept or duplicate, that each step of standardisation changed.
        selfies_length: Lengths of the kept molecules.
        vocabulary_size: Tokens of the training split, with the three special ones.
    """

    read: int
    kept: int
    duplicates: int
    rejected: dict[str, int]
    splits: dict[str, int]
    changed: dict[str, int]
    selfies_length: LengthStatistics
    vocabulary_size: int

    @classmethod
    def of(
        cls,
        *,
        read: int,
        reasons: Mapping[Reason, int],
        steps: Mapping[str, int],
        splits: Sequence[str],
        lengths: Sequence[int],
        vocabulary_size: int,
    ) -> "PrepareSummary":
        """Count up: `splits` and `lengths` have an entry for each kept molecule."""
        in_split = Counter(splits)
        return cls(
            read=read,
            kept=len(splits),
            duplicates=reasons.get(Reason.DUPLICATE, 0),
            rejected={reason.value: reasons.get(reason, 0) for reason in Reason if reason is not Reason.DUPLICATE},
            splits={split: in_split[split] for split in SPLITS},
            changed={step: steps.get(step, 0) for step in STEPS},
            selfies_length=LengthStatistics.of(lengths),
            vocabulary_size=vocabulary_size,
        )

    def lines(self) -> list[str]:
        """Say it in a few lines for people."""
        why = [f"{count:,} {reason}" for reason, count in self.rejected.items() if count]
        changed = [f"{step} {count:,}" for step, count in self.changed.items() if count]
        splits = ", ".join(f"{count:,} {split}" for split, count in self.splits.items())
        return [
            f"prepare: kept {self.kept:,} of {self.read:,} rows ({splits}); {self.duplicates:,} duplicates, "
            f"{sum(self.rejected.values()):,} rejected" + (f" ({', '.join(why)})" if why else ""),
            f"prepare: {self.vocabulary_size} tokens, SELFIES of {self.selfies_length.mean:.1f} tokens on average, "
            f"{self.selfies_length.maximum} at most; standardisation changed: {', '.join(changed) or 'nothing'}",
        ]
