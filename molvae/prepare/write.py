"""Write what became of the rows: the molecules and the rejects, block by block."""

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
from molvae.tables import MEASURED
from molvae.vocabulary import Vocabulary, split_selfies

ROW_GROUP = 20_000
"""Rows that a reader of molecules.parquet can take at a time."""


@dataclass
class _Property:
    """What the values of a measured property add up to."""

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

    def described(self, unit: str) -> PropertyStatistics:
        if not self.n:
            return PropertyStatistics(unit, 0, self.not_numbers, None, None, None)
        mean = self.total / self.n
        return PropertyStatistics(unit, self.n, self.not_numbers, self.minimum, mean, self.maximum)


@dataclass
class Written:
    """What is known only once all rows have been seen.

    Attributes:
        lengths: Number of kept molecules by their SELFIES tokens, int64.
        drawn: SMILES of some molecules of each split, at random; as Arrow holds them, in a third of the memory of
            Python's strings.
        properties: The measured properties of the kept molecules.
    """

    lengths: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    drawn: dict[str, list[pa.Array]] = field(default_factory=lambda: {split: [] for split in SPLITS})
    properties: dict[str, _Property] = field(default_factory=lambda: defaultdict(_Property))


class _RowGroups:
    """A Parquet file that grows by row groups of one size, so that its bytes do not depend on how rows arrive."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema)
        self._waiting: list[pa.Table] = []
        self._n_waiting = 0

    def add(self, table: pa.Table) -> None:
        self._waiting.append(table)
        self._n_waiting += len(table)
        while self._n_waiting >= ROW_GROUP:
            self._write(ROW_GROUP)

    def close(self) -> None:
        if self._n_waiting:
            self._write(self._n_waiting)
        self._writer.close()

    def _write(self, n_rows: int) -> None:
        table = pa.concat_tables(self._waiting).combine_chunks()
        self._writer.write_table(table.slice(0, n_rows), row_group_size=ROW_GROUP)
        self._waiting, self._n_waiting = [table.slice(n_rows)], self._n_waiting - n_rows


def write_rows(
    library: Library, vocabulary: Vocabulary, properties: Sequence[str], seed: int, molecules: Path, rejected: Path
) -> Written:
    """Write the kept molecules and the rejected rows, those of the input first, in the order of the files.

    Args:
        library: The rows.
        vocabulary: The tokens of the training molecules.
        properties: Names of the measured properties.
        seed: Decides which molecules are drawn.
        molecules: The Parquet table to write.
        rejected: The CSV table to write.
    """
    written = Written()
    known = frozenset(vocabulary.tokens)
    n_in_split = library.in_splits()
    share = {split: (MAX_TRAIN if split == TRAIN else MAX_HELD_OUT) / max(n, 1) for split, n in n_in_split.items()}
    text = dict.fromkeys(("id", "smiles", "selfies", "split"), pa.string())
    schema = pa.schema({**text, **{MEASURED + name: pa.float64() for name in properties}})
    with (
        replacing(molecules) as kept_file,
        replacing(rejected) as rejected_file,
        rejected_file.open("w", encoding="utf-8", newline="") as rows_out,
    ):
        groups = _RowGroups(kept_file, schema)
        rows_out.write("source,line,input,reason,detail\n")
        for source in ("input", "test"):
            for rows, table in library.blocks.read(library.blocks.columns, only=source):
                fates = library.fates[rows]
                splits = library.splits[rows][fates == RowStatus.KEPT]
                kept = table.filter(pa.array(fates == RowStatus.KEPT))
                kept = kept.append_column("split", pa.array(np.array(SPLITS, dtype=object)[splits], pa.string()))
                groups.add(kept.select(schema.names))
                _rejected(table, fates, rows.start, library, known).to_csv(
                    rows_out, index=False, header=False, lineterminator="\n"
                )
                _note(written, kept, splits, share, seed)
                for name in properties:
                    values = kept[MEASURED + name].drop_null().to_numpy()
                    written.properties[name].add(values, int(np.count_nonzero(kept[NOT_A_NUMBER + name].to_numpy())))
        groups.close()
    return written


def _note(written: Written, kept: pa.Table, splits: NDArray[np.uint8], share: dict[str, float], seed: int) -> None:
    counts = np.bincount(kept["n_tokens"].to_numpy())
    longer, shorter = sorted((counts, written.lengths), key=len, reverse=True)
    written.lengths = longer.copy()
    written.lengths[: len(shorter)] += shorter
    chance = keyed(kept["key"].to_numpy(), seed) / 2.0**64
    for number, split in enumerate(SPLITS):
        drawn = (splits == number) & (chance < share[split])
        written.drawn[split] += kept["smiles"].filter(pa.array(drawn)).chunks


def _rejected(
    table: pa.Table, fates: NDArray[np.uint8], start: int, library: Library, known: frozenset[str]
) -> pd.DataFrame:
    gone = np.flatnonzero(fates != RowStatus.KEPT)
    rows = table.select(["source", "line", "input", "reason", "detail", "kinds"]).take(pa.array(gone))
    columns = {name: rows[name].to_pylist() for name in rows.column_names}
    repeated = iter(library.duplicates.first_ids(gone[fates[gone] == RowStatus.DUPLICATE] + start))
    for position, fate in enumerate(fates[gone].tolist()):
        if fate == RowStatus.DUPLICATE:
            columns["reason"][position] = Reason.DUPLICATE.value
            columns["detail"][position] = f"of {next(repeated)}"
        elif fate == RowStatus.RARE_TOKEN:
            columns["reason"][position] = Reason.RARE_TOKEN.value
            unknown = [token for token in split_selfies(columns["kinds"][position]) if token not in known]
            columns["detail"][position] = " ".join(unknown)
    for name in ("input", "detail"):
        columns[name] = [printable(text) for text in columns[name]]
    del columns["kinds"]
    return pd.DataFrame(columns)


def printable(text: str) -> str:
    """Write control characters as escapes, so that a row of a table stays on its line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
