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
from molvae.prepare.blocks import UNREADABLE
from molvae.prepare.convert import Reason
from molvae.prepare.duplicates import Duplicates
from molvae.prepare.gather import Library, RowStatus
from molvae.prepare.leakage import MAX_HELD_OUT, MAX_TRAIN
from molvae.prepare.split import SPLITS, TRAIN, keyed
from molvae.prepare.summary import PropertyStatistics
from molvae.tables import CENSORED, MEASURED, MOLECULES, N_VALUES, REJECTED, STANDARD_DEVIATION
from molvae.text import printable, spreadsheet_safe
from molvae.vocabulary import Vocabulary, split_selfies

ROW_GROUP = 20_000
"""Rows in a row group of molecules.parquet, which a reader can load on its own."""


@dataclass
class _Property:
    """Running statistics of a measured property."""

    n: int = 0
    total: float = 0.0
    minimum: float = float("inf")
    maximum: float = -float("inf")
    repeated: int = 0
    max_sd: float | None = None
    censored: int = 0
    not_numbers: int = 0
    censored_example: str = ""
    not_number_example: str = ""

    def add_molecules(self, table: pa.Table, name: str) -> None:
        values = table[MEASURED + name].drop_null().to_numpy()
        if len(values):
            self.n += len(values)
            self.total += float(values.sum())
            self.minimum = min(self.minimum, float(values.min()))
            self.maximum = max(self.maximum, float(values.max()))
        deviations = table[STANDARD_DEVIATION + name].drop_null().to_numpy()
        if len(deviations):
            self.repeated += len(deviations)
            self.max_sd = max(self.max_sd or 0.0, float(deviations.max()))

    def add_cells(self, censored: pa.ChunkedArray, not_numbers: pa.ChunkedArray) -> None:
        self.censored += len(censored)
        self.not_numbers += len(not_numbers)
        self.censored_example = self.censored_example or (censored[0].as_py() if len(censored) else "")
        self.not_number_example = self.not_number_example or (not_numbers[0].as_py() if len(not_numbers) else "")

    def statistics(self, unit: str) -> PropertyStatistics:
        return PropertyStatistics(
            unit=unit,
            n=self.n,
            not_numbers=self.not_numbers,
            minimum=self.minimum if self.n else None,
            mean=self.total / self.n if self.n else None,
            maximum=self.maximum if self.n else None,
            repeated=self.repeated,
            max_sd=self.max_sd,
            censored=self.censored,
            censored_example=self.censored_example,
            not_number_example=self.not_number_example,
        )


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
        self._writer = pq.ParquetWriter(path, schema, write_page_checksum=True)
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
    schema = pa.schema({**text, **_measured_fields(properties)})
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
                kept = _with_repeats(table, rows, library.duplicates, properties)
                kept = kept.filter(pa.array(status == RowStatus.KEPT))
                kept = kept.append_column("split", pa.array(np.array(SPLITS, dtype=object)[splits], pa.string()))
                groups.add(kept.select(schema.names))
                rejected_rows = _rejected_rows(table, status, rows.start, library, known)
                spreadsheet_safe(rejected_rows).to_csv(rows_out, index=False, header=False, lineterminator="\n")
                _collect(statistics, kept, splits, fractions, seed)
                accepted = table.filter(pa.array(np.isin(status, [RowStatus.KEPT, RowStatus.DUPLICATE])))
                for name in properties:
                    statistics.properties[name].add_molecules(kept, name)
                    cells = (accepted[prefix + name].drop_null() for prefix in (CENSORED, UNREADABLE))
                    statistics.properties[name].add_cells(*cells)
        groups.close()
    return statistics


def _measured_fields(properties: Sequence[str]) -> dict[str, pa.DataType]:
    types = {MEASURED: pa.float64(), N_VALUES: pa.int64(), STANDARD_DEVIATION: pa.float64(), CENSORED: pa.string()}
    return {prefix + name: dtype for prefix, dtype in types.items() for name in properties}


def _with_repeats(table: pa.Table, rows: slice, duplicates: Duplicates, properties: Sequence[str]) -> pa.Table:
    """Give the first row of each molecule what was measured of it in all of its rows."""
    if not properties:
        return table
    merged = duplicates.merged(rows)
    at = merged.index.to_numpy() - rows.start
    frame = pd.DataFrame(
        {prefix + name: table[prefix + name].to_pandas() for prefix in (MEASURED, CENSORED) for name in properties}
    )
    for name in properties:
        frame[N_VALUES + name] = frame[MEASURED + name].notna().astype(np.int64)
        frame[STANDARD_DEVIATION + name] = np.nan
    for column in merged:
        frame.loc[at, column] = merged[column].to_numpy()
    for name, dtype in _measured_fields(properties).items():
        column = pa.array(frame[name], dtype, from_pandas=True)
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), name, column)
        else:
            table = table.append_column(name, column)
    return table


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
