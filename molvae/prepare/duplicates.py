"""Find the rows that repeat an earlier molecule, among any number of rows, in bounded memory.

Hashes of molecules are partitioned by value, so that equal ones are in the same part, and each part is sorted on its
own. The duplicates are then partitioned again by row. What was measured of one molecule several times is merged with
them.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from molvae.files import room_for
from molvae.folders import remove_files
from molvae.prepare.blocks import Blocks
from molvae.prepare.repeats import MergeRule, merge_repeats
from molvae.tables import CENSORED, MEASURED

ROWS_AT_A_TIME = 250_000
"""Rows that are sorted at a time."""

DUPLICATE_FILES = ("part-[0-9]*.arrow", "duplicates-[0-9]*-[0-9]*.arrow", "merged-[0-9]*-[0-9]*.parquet")
"""What is written to the folder for temporary files."""


class Duplicates:
    """The rows that repeat an earlier molecule.

    Attributes:
        mask: Whether a row repeats the molecule of an earlier one, bool (n_rows,).
    """

    def __init__(
        self, blocks: Blocks, folder: Path, properties: Sequence[str] = (), merge_rule: MergeRule = "mean"
    ) -> None:
        """Find the duplicates.

        Args:
            blocks: The rows; of two that are the same molecule, the one in the earlier block or row is the first.
            folder: Folder for temporary files.
            properties: Names of the measured properties, which are merged.
            merge_rule: How; see `merge_repeats`.
        """
        self._properties = list(properties)
        self._merge_rule = merge_rule
        # Those that a killed run left may be of other rows.
        remove_files(folder, DUPLICATE_FILES)
        folder.mkdir(parents=True, exist_ok=True)
        self.mask: NDArray[np.bool_] = np.zeros(blocks.n_rows, dtype=bool)
        self._folder = folder
        self._span: tuple[int, NDArray[np.int64], pa.ChunkedArray] | None = None
        n_parts = 1 + blocks.n_rows // ROWS_AT_A_TIME
        with room_for(folder):
            self._partition(blocks, n_parts)
            for part in range(n_parts):
                self._find(part)

    def first_ids(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the names of the molecules that duplicate rows, in ascending order, repeat."""
        names: list[str] = []
        for span in np.unique(rows // ROWS_AT_A_TIME):
            if self._span is None or self._span[0] != span:
                self._span = self._load(int(span))
            _, known, ids = self._span
            names += ids.take(pa.array(np.searchsorted(known, rows[rows // ROWS_AT_A_TIME == span]))).to_pylist()
        return names

    def merged(self, rows: slice) -> pd.DataFrame:
        """Return what `merge_repeats` makes of the molecules whose first row is among these, by that row."""
        spans = range(rows.start // ROWS_AT_A_TIME, (rows.stop - 1) // ROWS_AT_A_TIME + 1)
        paths = [path for span in spans for path in sorted(self._folder.glob(f"merged-{span}-*.parquet"))]
        filters = [("first", ">=", rows.start), ("first", "<", rows.stop)]
        tables = [pd.read_parquet(path, filters=filters) for path in paths]
        return pd.concat(tables).set_index("first") if tables else pd.DataFrame()

    def _partition(self, blocks: Blocks, n_parts: int) -> None:
        fields = {"key": pa.uint64(), "key2": pa.uint64(), "row": pa.int64(), "id": pa.string()}
        if self._properties:
            fields |= {"isomer": pa.int32(), **{MEASURED + name: pa.float64() for name in self._properties}}
            fields |= {CENSORED + name: pa.string() for name in self._properties}
        schema = pa.schema(fields)
        writers = [pa.ipc.new_file(self._folder / f"part-{part}.arrow", schema) for part in range(n_parts)]
        self._is_test_file = blocks.sources()
        for rows, table in blocks.read(["smiles", *(name for name in schema.names if name != "row")]):
            table = table.append_column("row", pa.array(np.arange(rows.start, rows.stop)))
            table = table.filter(pc.is_valid(table["smiles"])).select(schema.names)
            part_of_row = table["key"].to_numpy() % np.uint64(n_parts)
            for part, writer in enumerate(writers):
                writer.write_table(table.filter(pa.array(part_of_row == part)).combine_chunks())
        for writer in writers:
            writer.close()

    def _find(self, part: int) -> None:
        path = self._folder / f"part-{part}.arrow"
        with pa.OSFile(str(path)) as file:
            table = pa.ipc.open_file(file).read_all()
        path.unlink()
        if not len(table):
            return
        key, key2, row = (table[name].to_numpy() for name in ("key", "key2", "row"))
        order = np.lexsort((row, key2, key))
        is_first = np.ones(len(order), dtype=bool)
        is_first[1:] = (key[order][1:] != key[order][:-1]) | (key2[order][1:] != key2[order][:-1])
        first_of = order[np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))]
        again, firsts = order[~is_first], first_of[~is_first]
        self.mask[row[again]] = True
        if self._properties and len(again):
            self._merge(table, np.concatenate([np.unique(firsts), again]), row[first_of[np.argsort(order)]], part)
        by_row = np.argsort(row[again])
        duplicates = pa.table({"row": row[again][by_row], "id": table["id"].take(pa.array(firsts[by_row]))})
        span = duplicates["row"].to_numpy() // ROWS_AT_A_TIME
        for number in np.unique(span):
            with pa.ipc.new_file(self._folder / f"duplicates-{number}-{part}.arrow", duplicates.schema) as writer:
                writer.write_table(duplicates.filter(pa.array(span == number)))

    def _merge(self, table: pa.Table, repeated: NDArray[np.int64], first: NDArray[np.int64], part: int) -> None:
        """Merge the measurements of rows of one molecule, given the row of its first occurrence for each row."""
        rows = table.take(pa.array(np.sort(repeated))).to_pandas()
        rows["first"] = first[np.sort(repeated)]
        rows["is_isomer"] = rows["isomer"] > 0
        # What was measured of a test molecule must not come from the input, nor the other way round.
        rows = rows[self._is_test_file[rows["row"]] == self._is_test_file[rows["first"]]]
        merged = merge_repeats(rows.sort_values("row"), self._properties, self._merge_rule).reset_index()
        span = merged["first"].to_numpy() // ROWS_AT_A_TIME
        for number in np.unique(span):
            merged[span == number].to_parquet(self._folder / f"merged-{number}-{part}.parquet", index=False)

    def _load(self, span: int) -> tuple[int, NDArray[np.int64], pa.ChunkedArray]:
        tables = []
        for path in sorted(self._folder.glob(f"duplicates-{span}-*.arrow")):
            with pa.OSFile(str(path)) as file:
                tables.append(pa.ipc.open_file(file).read_all())
        duplicates = pa.concat_tables(tables).sort_by("row")
        return span, duplicates["row"].to_numpy(), duplicates["id"]
