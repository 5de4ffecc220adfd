"""Look at a molecule file: its columns and molecules, and which models that come with molvae read them."""

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import numpy as np

from molvae.chem.descriptors import compute_properties
from molvae.chem.measurements import read_measurement
from molvae.chem.reading import Columns, Record, id_column_of, read_records, smiles_column_of, with_structure
from molvae.config import StandardiseConfig
from molvae.errors import DataError
from molvae.model.reading import ModelInput, Reader
from molvae.model.shipped import model_tokens, shipped_models
from molvae.prepare.preview import other_columns
from molvae.text import one_line
from molvae.vocabulary import BOS, EOS, PAD, Vocabulary

# Rows whose molecules are looked at; all are counted, and so are their measured values.
MAX_LOOKED_AT = 3_000
# Rows of the highest values that are kept, of which some may be no molecules.
_N_HIGHEST = 100
# Molecules below which a model of them alone would be poor, and below which a series is trained on in small steps.
ENOUGH_TO_TRAIN, SMALL = 100_000, 5_000


@dataclass(frozen=True)
class DataLook:
    """What a molecule file has.

    Attributes:
        path: The file.
        n_rows: Its rows.
        n_read: Rows that were looked at, from the first on.
        n_molecules: How many of them are molecules.
        smiles_column: Column with the SMILES; None for a format without columns.
        id_column: Column with the molecules' names, if there is one.
        measured: Columns of numbers, each with its lowest and highest value.
        others: Further columns.
        unread: Of each model that comes with molvae, the molecules that it cannot read, and the tokens that it lacks.
        best: Of the first measured column, the highest value and its SMILES, if there is one.
        logp: Fifth and 95th percentile of logP.
        mol_weight: The same of the molecular weight, in Da.
    """

    path: Path
    n_rows: int
    n_read: int
    n_molecules: int
    smiles_column: str | None
    id_column: str | None
    measured: dict[str, tuple[float, float]]
    others: list[str]
    unread: dict[str, tuple[int, list[str]]]
    best: tuple[float, str] | None
    logp: tuple[float, float]
    mol_weight: tuple[float, float]

    @property
    def base(self) -> str | None:
        """The model to train further: the one that reads most molecules, if there is one; None for enough molecules."""
        if self.n_rows >= ENOUGH_TO_TRAIN or not self.unread:
            return None
        return min(self.unread, key=lambda name: self.unread[name][0])

    def lines(self) -> list[str]:
        """Return what was found as lines of text."""
        column = f", SMILES in {self.smiles_column!r}" if self.smiles_column else ""
        names = f", names in {self.id_column!r}" if self.id_column else ", no column of names"
        share = "" if self.n_read == self.n_rows else f" of the first {self.n_read:,}"
        return [
            f"{one_line(str(self.path))}: {self.n_rows:,} rows{column}{names}; "
            f"{self.n_molecules:,}{share} are molecules",
            *(f"measured: {one_line(name)}, {low:g} to {high:g}" for name, (low, high) in self.measured.items()),
            *([f"other columns: {', '.join(map(one_line, self.others))}"] if self.others else []),
            *(self.model_text(name) for name in self.unread),
        ]

    def model_text(self, name: str) -> str:
        """Return how many of the molecules a model reads."""
        n, tokens = self.unread[name]
        return f"{name} cannot read {n:,} of {self.n_molecules:,} ({', '.join(tokens)})" if n else f"{name} reads all"


def look_at(path: Path, smiles_column: str | None = None, id_column: str | None = None) -> DataLook:
    """Look at a molecule file.

    Args:
        path: The file.
        smiles_column: Column with the SMILES; found by its usual names if None.
        id_column: Column with the molecules' names; found by its usual names if None.

    Raises:
        DataError: If it cannot be read, or none of its first rows is a molecule.
        ConfigError: If a named column is missing, or no column or several could hold the SMILES.
    """
    stream = read_records(path, Columns(smiles_column, id_column, None))
    records = list(map(with_structure, islice(stream, MAX_LOOKED_AT)))
    inputs = _read([record.smiles for record in records])
    molecules = [molecule for molecule in inputs if molecule.smiles is not None]
    if not molecules:
        raise DataError(f"{path}: expected molecules, found none in the first {len(records):,} rows; check the column")
    found_smiles = smiles_column_of(path, Columns(smiles_column))
    names = list(dict.fromkeys(name for record in records for name in record.names if name != found_smiles))
    is_table = found_smiles is not None or any(record.names != ("smiles", "id") for record in records)
    found_id = (id_column or id_column_of(names)) if is_table else None
    numbers, others = other_columns(records, {found_smiles, found_id}) if is_table else ({}, [])
    values = _Values.of(chain(records, stream), list(numbers))
    properties = compute_properties([str(molecule.smiles) for molecule in molecules], ["logp", "mol_weight"])
    low, high = np.nanpercentile(properties.to_numpy(), [5, 95], axis=0).tolist()
    return DataLook(
        path=path,
        n_rows=values.n_rows,
        n_read=len(records),
        n_molecules=len(molecules),
        smiles_column=found_smiles,
        id_column=found_id,
        measured=values.ranges,
        others=others,
        unread={name: _unread(molecules, model_tokens(folder)) for name, folder in shipped_models().items()},
        best=values.best(),
        logp=(low[0], high[0]),
        mol_weight=(low[1], high[1]),
    )


def _read(smiles: Sequence[str]) -> list[ModelInput]:
    """Read molecules as a model without any tokens does, which names those of each."""
    return Reader(StandardiseConfig(), Vocabulary((PAD, BOS, EOS))).read(smiles)


def _unread(molecules: Sequence[ModelInput], known: frozenset[str]) -> tuple[int, list[str]]:
    lacking = [[token for token in molecule.unknown if token not in known] for molecule in molecules]
    return sum(map(bool, lacking)), list(dict.fromkeys(token for tokens in lacking for token in tokens))


@dataclass
class _Values:
    """What all rows of a file say.

    Attributes:
        n_rows: Their number.
        ranges: The lowest and the highest value of each column of numbers.
        highest: Rows with the highest values of the first of these columns; of equal values the first rows.
    """

    n_rows: int = 0
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    highest: list[tuple[float, int, Record]] = field(default_factory=list)

    @classmethod
    def of(cls, records: Iterable[Record], columns: Sequence[str]) -> "_Values":
        """Read the values in some columns of all records."""
        found = cls(ranges=dict.fromkeys(columns, (math.inf, -math.inf)))
        for record in records:
            found.n_rows += 1
            for name, cell in zip(record.names, record.extra, strict=True):
                value = read_measurement(cell).value if name in found.ranges else None
                if value is not None:
                    low, high = found.ranges[name]
                    found.ranges[name] = min(low, value), max(high, value)
                    if name == columns[0]:
                        found._keep(value, record)
        return found

    def _keep(self, value: float, record: Record) -> None:
        heapq.heappush(self.highest, (value, -self.n_rows, record))
        if len(self.highest) > _N_HIGHEST:
            heapq.heappop(self.highest)

    def best(self) -> tuple[float, str] | None:
        """Return the highest value of a molecule, and its SMILES."""
        rows = sorted(self.highest, reverse=True)
        inputs = _read([with_structure(record).smiles for _, _, record in rows])
        pairs = zip(rows, inputs, strict=True)
        return next(
            ((value, molecule.smiles) for (value, _, _), molecule in pairs if molecule.smiles is not None), None
        )
