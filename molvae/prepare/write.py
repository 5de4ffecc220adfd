"""Write the kept molecules and the rejected rows, block by block."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molvae.files import replacing
from molvae.prepare.blocks import NOT_A_NUMBER
from molvae.prepare.convert import Reason
from molvae.prepare.gather import Library, RowStatus
from molvae.prepare.leakage import MAX_HELD_OUT, MAX_TRAIN
from molvae.prepare.split import SPLITS, TRAIN, keyed
from molvae.prepare.summary import PropertyStatistics
from molvae.tables import MEASURED, MOLECULES, REJECTED
from molvae.vocabulary import Vocabulary, split_selfies

ROW_GROUP = 20_000
"""Rows in a row group of molecules.parquet, which a reader can load on its own."""


@dataclass
class _Property:
    """Running statistics of a measured property."""

    n: int = 0
    not_numbers: int = 0
    total: float = 0.0
    minimum: float = float("inf")
    maximum: float = -float("inf")

    def add(self, values: NDArray[np.float64], not_numbers: int) -> None:
        self.not_numbers += not_numbers
        if len(values):
            self.n += len(values)
            self.total += float(values.sum())
            self.minimum = min(self.minimum, float(values.min()))
            self.maximum = max(self.maximum, float(values.max()))

    def statistics(self, unit: str) -> PropertyStatistics:
        if not self.n:
            return PropertyStatistics(unit, 0, self.not_numbers, None, None, None)
        mean = self.total / self.n
        return PropertyStatistics(unit, self.n, self.not_numbers, self.minimum, mean, self.maximum)


@dataclass
class WriteStatistics:
    """What is collected while the rows are written.

    Attributes:
        lengths: Number of kept molecules by number of SELFIES tokens, int64.
        sampled: SMILES of a random sample of each split, in Arrow arrays, which take a third of the memory of Python
            strings.
        properties: The measured properties of the kept molecules.
    """

    lengths: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    sampled: dict[str, list[pa.Array]] = field(default_factory=lambda: {split: [] for split in SPLITS})
    properties: dict[str, _Property] = field(default_factory=lambda: defaultdict(_Property))


class _RowGroups:
    """A Parquet file that grows by row groups of one size, so that its bytes do not depend on how rows arrive."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema)
        self._pending: list[pa.Table] = []
        self._n_pending = 0

    def add(self, table: pa.Table) -> None:
        self._pending.append(table)
        self._n_pending += len(table)
        while self._n_pending >= ROW_GROUP:
            self._write(ROW_GROUP)

    def close(self) -> None:
        if self._n_pending:
            self._write(self._n_pending)
        self._writer.close()

    def _write(self, n_rows: int) -> None:
        table = pa.concat_tables(self._pending).combine_chunks()
        self._writer.write_table(table.slice(0, n_rows), row_group_size=ROW_GROUP)
        self._pending, self._n_pending = [table.slice(n_rows)], self._n_pending - n_rows


def write_rows(
    library: Library, vocabulary: Vocabulary, properties: Sequence[str], seed: int, molecules: Path, rejected: Path
) -> WriteStatistics:
    """Write the kept molecules and the rejected rows, those of the input first, in the order of the files.

    Args:
        library: The rows.
        vocabulary: The tokens of the training molecules.
        properties: Names of the measured properties.
        seed: Seed of the sample of molecules.
        molecules: The Parquet table to write.
        rejected: The CSV table to write.
    """
    statistics = WriteStatistics()
    known = frozenset(vocabulary.tokens)
    fractions = {
        split: (MAX_TRAIN if split == TRAIN else MAX_HELD_OUT) / max(n, 1) for split, n in library.split_sizes().items()
    }
    text = dict.fromkeys(MOLECULES.names, pa.string())
    schema = pa.schema({**text, **{MEASURED + name: pa.float64() for name in properties}})
    with (
        replacing(molecules) as kept_file,
        replacing(rejected) as rejected_file,
        rejected_file.open("w", encoding="utf-8", newline="") as rows_out,
    ):
        groups = _RowGroups(kept_file, schema)
        rows_out.write(",".join(REJECTED.names) + "\n")
        for source in ("input", "test"):
            for rows, table in library.blocks.read(library.blocks.columns, only=source):
                status = library.status[rows]
                splits = library.splits[rows][status == RowStatus.KEPT]
                kept = table.filter(pa.array(status == RowStatus.KEPT))
                kept = kept.append_column("split", pa.array(np.array(SPLITS, dtype=object)[splits], pa.string()))
                groups.add(kept.select(schema.names))
                _rejected_rows(table, status, rows.start, library, known).to_csv(
                    rows_out, index=False, header=False, lineterminator="\n"
                )
                _collect(statistics, kept, splits, fractions, seed)
                for name in properties:
                    values = kept[MEASURED + name].drop_null().to_numpy()
                    statistics.properties[name].add(values, int(np.count_nonzero(kept[NOT_A_NUMBER + name].to_numpy())))
        groups.close()
    return statistics


def _collect(
    statistics: WriteStatistics, kept: pa.Table, splits: NDArray[np.uint8], fractions: dict[str, float], seed: int
) -> None:
    counts = np.bincount(kept["n_tokens"].to_numpy())
    longer, shorter = sorted((counts, statistics.lengths), key=len, reverse=True)
    statistics.lengths = longer.copy()
    statistics.lengths[: len(shorter)] += shorter
    uniform = keyed(kept["key"].to_numpy(), seed) / 2.0**64
    for number, split in enumerate(SPLITS):
        is_sampled = (splits == number) & (uniform < fractions[split])
        statistics.sampled[split] += kept["smiles"].filter(pa.array(is_sampled)).chunks


def _rejected_rows(
    table: pa.Table, status: NDArray[np.uint8], start: int, library: Library, known: frozenset[str]
) -> pd.DataFrame:
    positions = np.flatnonzero(status != RowStatus.KEPT)
    rows = table.select([*REJECTED.names, "token_set"]).take(pa.array(positions))
    columns = {name: rows[name].to_pylist() for name in rows.column_names}
    rejected_as = status[positions]
    repeated = iter(library.duplicates.first_ids(positions[rejected_as == RowStatus.DUPLICATE] + start))
    for row, why in enumerate(rejected_as.tolist()):
        if why == RowStatus.DUPLICATE:
            columns["reason"][row] = Reason.DUPLICATE.value
            columns["detail"][row] = f"of {next(repeated)}"
        elif why == RowStatus.RARE_TOKEN:
            columns["reason"][row] = Reason.RARE_TOKEN.value
            unknown = [token for token in split_selfies(columns["token_set"][row]) if token not in known]
            columns["detail"][row] = " ".join(unknown)
    for name in ("input", "detail"):
        columns[name] = [printable(text) for text in columns[name]]
    del columns["token_set"]
    return pd.DataFrame(columns)


def printable(text: str) -> str:
    """Write control characters as escapes, so that a row of a table stays on its line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
