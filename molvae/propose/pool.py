"""A list of molecules that may be too long for memory: it is read as a stream, as often as it is needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molvae.chem.reading import Columns, Record, column_names, data_fields, read_records, smiles_column_of

BLOCK = 2_000
"""Rows that a process handles at a time."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a list, in order.

    Attributes:
        rows: Their numbers, from 0, int64 (K,).
        records: What they hold.
    """

    rows: NDArray[np.int64]
    records: Sequence[Record]


@dataclass(frozen=True)
class Pool:
    """A molecule file to choose from.

    Attributes:
        path: The file.
        smiles_column: Its column with the SMILES; None for a file without columns.
        names: Names of its other columns, or of the data fields of an `.sdf`.
    """

    path: Path
    smiles_column: str | None
    names: tuple[str, ...]

    @staticmethod
    def at(path: Path, smiles_column: str | None = None) -> "Pool":
        """Find the columns of a file.

        Raises:
            DataError: If the file cannot be read.
            ConfigError: If no column or several columns could hold the SMILES.
        """
        found = smiles_column_of(path, Columns(smiles_column))
        names = dict.fromkeys([*column_names(path, Columns(smiles_column)), *data_fields(path)])
        others = [name for name in names if name != found]
        return Pool(path, found, tuple(others))

    def blocks(self, rows: NDArray[np.int64] | None = None, *, whole: bool = False) -> Iterator[Block]:
        """Yield the rows in order; structures of an `.sdf` are still unread.

        Args:
            rows: Numbers of those to yield, in order; all by default.
            whole: Whether to read the other columns too.
        """
        records = read_records(self.path, Columns(self.smiles_column, extra=self.names if whole else ()))
        first = 0
        while block := list(islice(records, BLOCK)):
            numbers = np.arange(first, first + len(block))
            first += len(block)
            if rows is None:
                yield Block(numbers, block)
                continue
            start, end = np.searchsorted(rows, [numbers[0], first])
            if end > start:
                yield Block(rows[start:end], [block[row - numbers[0]] for row in rows[start:end].tolist()])

    def sample(self, n: int, rng: np.random.Generator, *, whole: bool = False) -> tuple[int, list[Record]]:
        """Read the whole list; return its number of rows, and n of them at random, all if there are no more.

        Args:
            n: How many.
            rng: Draws them.
            whole: Whether to read the other columns too.

        References:
            Vitter, Random sampling with a reservoir, ACM Transactions on Mathematical Software 1985,
            doi:10.1145/3147.3165, algorithm R.
        """
        n_rows = 0
        sampled: list[Record] = []
        for block in self.blocks(whole=whole):
            room = max(n - len(sampled), 0)
            sampled += block.records[:room]
            later = block.records[room:]
            places = rng.integers(0, n_rows + np.arange(room, room + len(later)) + 1)
            for place, record in zip(places.tolist(), later, strict=True):
                if place < n:
                    sampled[place] = record
            n_rows += len(block.records)
        return n_rows, sampled
