"""The molecules that generated ones are compared with."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from molvae.chem.reading import read_molecules
from molvae.errors import DataError
from molvae.files import column_names
from molvae.metrics.reference import thinned
from molvae.score.describe import without_unresolved
from molvae.tables import MEASURED, MOLECULES


@dataclass(frozen=True)
class Reference:
    """Molecules to compare with, as SMILES.

    Attributes:
        train: Training molecules, for novelty and nearest neighbours.
        test: Held-out molecules of the same distribution.
        test_scaffolds: Held-out molecules whose scaffolds do not occur in training (MOSES's TestSF), if any.
        train_columns: Further columns of the training molecules, with a row for each: `id` and measured properties.
    """

    train: list[str]
    test: list[str]
    test_scaffolds: list[str] | None = None
    train_columns: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False)

    def tests(self) -> dict[str, list[str]]:
        """Return the test sets by MOSES's names."""
        return {"Test": self.test, **({} if self.test_scaffolds is None else {"TestSF": self.test_scaffolds})}

    def thinned(self, max_test: int | None, seed: int) -> "Reference":
        """Return the reference with at most `max_test` molecules in each test set, a random subset in their order."""
        scaffolds = self.test_scaffolds
        return Reference(
            self.train,
            thinned(self.test, max_test, seed),
            None if scaffolds is None else thinned(scaffolds, max_test, seed, "score test scaffolds"),
            self.train_columns,
        )


def from_prepared(folder: Path) -> Reference:
    """Read the train and test splits of a folder that the prepare stage wrote.

    Raises:
        DataError: If the table is missing or one of the two splits is empty.
    """
    table = folder / MOLECULES.file
    measured = [name for name in column_names(table) if name.startswith(MEASURED)]
    molecules = MOLECULES.read(table, ["id", "smiles", "split", *measured])
    by_split = {split: molecules.loc[molecules["split"] == split, "smiles"].tolist() for split in ("train", "test")}
    for split, smiles in by_split.items():
        if not smiles:
            raise DataError(
                f"{table}: expected molecules in the {split} split, found none; see the fractions under prepare"
            )
    columns = molecules.loc[molecules["split"] == "train", ["id", *measured]].reset_index(drop=True)
    columns = columns.rename(columns={name: name.removeprefix(MEASURED) for name in measured})
    return Reference(by_split["train"], by_split["test"], train_columns=columns)


def from_files(train: Path, test: Path, test_scaffolds: Path | None = None) -> Reference:
    """Read reference molecules from molecule files; the SMILES column is found by its usual names.

    Raises:
        DataError: If a file cannot be read or holds no molecules.
        ConfigError: If it is not clear which column has the SMILES.
    """
    return Reference(
        _smiles_in(train), _smiles_in(test), None if test_scaffolds is None else _smiles_in(test_scaffolds)
    )


def _smiles_in(path: Path) -> list[str]:
    return without_unresolved([record.smiles for record in read_molecules(path)])
