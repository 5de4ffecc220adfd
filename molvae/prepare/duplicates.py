"""Find the rows that repeat an earlier molecule, among any number of rows, in bounded memory.

Hashes of molecules are partitioned by value, so that equal ones are in the same part, and each part is sorted on its
own. The duplicates are then partitioned again by row.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from molvae.files import room_for
from molvae.prepare.blocks import Blocks

ROWS_AT_A_TIME = 250_000
"""Rows that are sorted at a time."""


class Duplicates:
    """The rows that repeat an earlier molecule.

    Attributes:
        mask: Whether a row repeats the molecule of an earlier one, bool (n_rows,).
    """

    def __init__(self, blocks: Blocks, folder: Path) -> None:
        """Find the duplicates.

        Args:
            blocks: The rows; of two that are the same molecule, the one in the earlier block or row is the first.
            folder: Folder for temporary files.
        """
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

    def _partition(self, blocks: Blocks, n_parts: int) -> None:
        schema = pa.schema({"key": pa.uint64(), "key2": pa.uint64(), "row": pa.int64(), "id": pa.string()})
        writers = [pa.ipc.new_file(self._folder / f"part-{part}.arrow", schema) for part in range(n_parts)]
        for rows, table in blocks.read(["key", "key2", "id", "smiles"]):
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
        by_row = np.argsort(row[again])
        duplicates = pa.table({"row": row[again][by_row], "id": table["id"].take(pa.array(firsts[by_row]))})
        span = duplicates["row"].to_numpy() // ROWS_AT_A_TIME
        for number in np.unique(span):
            with pa.ipc.new_file(self._folder / f"duplicates-{number}-{part}.arrow", duplicates.schema) as writer:
                writer.write_table(duplicates.filter(pa.array(span == number)))

    def _load(self, span: int) -> tuple[int, NDArray[np.int64], pa.ChunkedArray]:
        tables = []
        for path in sorted(self._folder.glob(f"duplicates-{span}-*.arrow")):
            with pa.OSFile(str(path)) as file:
                tables.append(pa.ipc.open_file(file).read_all())
        duplicates = pa.concat_tables(tables).sort_by("row")
        return span, duplicates["row"].to_numpy(), duplicates["id"]
