"""Tables of molecules through the commands, block by block: from a file or a pipe to a file or a pipe.

All commands that work on molecules read them here, whatever the format, and keep the columns that they came with. A
table never has to fit into memory. What is written and where is up to `molvae.table_writers`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.chem.open_file import COMPRESSIONS, STDIN, explained, open_bytes
from molvae.chem.parquet import batches, open_parquet
from molvae.chem.reading import (
    READABLE,
    SDF_ENDINGS,
    Columns,
    Record,
    data_fields,
    format_of,
    id_column_of,
    read_records,
    with_structure,
)
from molvae.errors import DataError
from molvae.parallel import shared_processes
from molvae.table_writers import table_writer

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_ROWS = 5_000


@dataclass(frozen=True)
class MoleculeBlock:
    """Consecutive rows of a molecule file.

    Attributes:
        rows: All columns of the file with their names, N rows: text, or as typed in a Parquet file. A format without
            columns has `smiles` and `id`.
        smiles: N SMILES, not checked; empty where a row has none.
        ids: The molecules' names; made of file and line where the file has none.
    """

    rows: pd.DataFrame
    smiles: list[str]
    ids: list[str]

    def with_columns(self, columns: Mapping[str, Any] | pd.DataFrame) -> pd.DataFrame:
        """Return the rows with further columns after their own; see `with_columns`."""
        return with_columns(self.rows, columns)


def with_columns(rows: pd.DataFrame, columns: Mapping[str, Any] | pd.DataFrame) -> pd.DataFrame:
    """Return a table with further columns; one that had such a name before is renamed to `input_<name>`.

    If there is one of that name too, as in what a command has written before, it is `input_input_<name>`, and so on.
    """
    added = columns if isinstance(columns, pd.DataFrame) else pd.DataFrame(dict(columns), index=rows.index)
    names = _free_names(list(rows.columns), list(added.columns))
    return pd.concat([rows.set_axis(names, axis=1), added.set_index(rows.index)], axis=1)


def _free_names(names: Sequence[str], added: Sequence[str]) -> list[str]:
    """Return the names of columns to which others are added, each with a prefix where it would be given twice."""
    taken = {*names, *added}
    free = []
    for name in names:
        new = name
        while name in added and new in taken:
            new = f"input_{new}"
        taken.add(new)
        free.append(new)
    return free


def read_blocks(path: Path, smiles_column: str | None = None, id_column: str | None = None) -> Iterator[MoleculeBlock]:
    """Yield the rows of a molecule file in blocks.

    Args:
        path: The file, see `molvae.chem.reading`; `-` is standard input: SMILES, a table with a header, or an SD file.
        smiles_column: Column with the SMILES; found by its usual names if None.
        id_column: Column with the molecules' names; found by its usual names if None.

    Raises:
        DataError: If the file cannot be read or has no molecules.
        ConfigError: If a named column is missing, or no column or several could hold the SMILES.
    """
    is_parquet = format_of(path) == ".parquet"
    columns = Columns(smiles_column, id_column, () if is_parquet else None)
    records = read_records(path, columns)
    # The records of an SD file need not have the same.
    fields = data_fields(path) if format_of(path) in SDF_ENDINGS else None
    typed = _parquet_blocks(path) if is_parquet else None
    while unread := list(islice(records, BLOCK_ROWS)):
        block = list(map(with_structure, unread))
        if typed is not None:
            rows = next(typed)
        elif fields is not None or any(record.block for record in unread):
            # Of a pipe, the fields of the first block are those of all.
            if fields is None:
                fields = list(dict.fromkeys(chain.from_iterable(record.names for record in block)))
            rows = _sdf_rows(block, fields)
        else:
            rows = pd.DataFrame([record.extra for record in block], columns=list(block[0].names), dtype=object)
        yield MoleculeBlock(rows, [record.smiles for record in block], [record.id for record in block])


def is_file_argument(text: str) -> bool:
    """Say whether an argument that may be a SMILES is a molecule file or `-` instead."""
    path = Path(text)
    if path == STDIN or path.suffix.lower() in (*READABLE, *COMPRESSIONS):
        return True
    # A SMILES may be longer than the name of a file can be.
    with suppress(OSError, ValueError):
        return path.is_file()
    return False


def molecules_of(path: Path) -> Iterator[str]:
    """Yield the SMILES of a molecule file, those of rows without one left out."""
    return (record.smiles for record in map(with_structure, read_records(path, Columns())) if record.smiles)


def names_of(rows: pd.DataFrame) -> list[str]:
    """Return the molecules' names in a table, by the usual names of such a column; empty without one."""
    column = id_column_of(list(rows.columns))
    return [""] * len(rows) if column is None else rows[column].astype(str).tolist()


def _sdf_rows(block: Sequence[Record], fields: Sequence[str]) -> pd.DataFrame:
    values = [dict(zip(record.names, record.extra, strict=True)) for record in block]
    own = {"smiles": [record.smiles for record in block], "id": [record.id for record in block]}
    cells = [[of_record.get(name, "") for name in fields] for of_record in values]
    rows = pd.DataFrame(cells, columns=_free_names(fields, list(own)), dtype=object)
    return pd.concat([pd.DataFrame(own, dtype=object), rows], axis=1)


def _parquet_blocks(path: Path) -> Iterator[pd.DataFrame]:
    import pyarrow as pa

    with explained(path), open_parquet(path) as table:
        pending: list[pa.RecordBatch] = []
        n = 0
        for batch in batches(table):
            pending.append(batch)
            n += len(batch)
            # A batch need not end where a block does.
            while n >= BLOCK_ROWS:
                rows = pa.Table.from_batches(pending)
                yield _typed(rows.slice(0, BLOCK_ROWS))
                pending, n = rows.slice(BLOCK_ROWS).to_batches(), n - BLOCK_ROWS
        # Of a table without rows, one block without any: it has the columns.
        if n or not table.metadata.num_rows:
            yield _typed(pa.Table.from_batches(pending, table.schema_arrow))


def _typed(rows: "pa.Table") -> pd.DataFrame:
    # By what pandas notes in a file, a column may be the index, which is no column.
    whole = rows.unify_dictionaries().combine_chunks()
    block: pd.DataFrame = whole.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
    return block


def add_columns(
    molecules: Path,
    out: Path | None,
    compute: Callable[[list[str]], pd.DataFrame],
    smiles_column: str | None = None,
    id_column: str | None = None,
    n_jobs: int = 1,
) -> int:
    """Write a molecule file with columns that are computed from the SMILES.

    Args:
        molecules: The file, or `-`; see `read_blocks`.
        out: The table to write, by the ending of its name; None or `-` for CSV on standard output.
        compute: From N SMILES, as given, to N rows of new columns. It may use several processes, which are kept.
        smiles_column: As in `read_blocks`.
        id_column: As in `read_blocks`.
        n_jobs: Processes to draw molecules for an `.sdf`.

    Returns:
        Number of rows.
    """
    n = 0
    with table_writer(out, n_jobs) as write, shared_processes():
        for block in read_blocks(molecules, smiles_column, id_column):
            n += len(block.smiles)
            write(block.with_columns(compute(block.smiles)), block.smiles, block.ids)
    return n


def read_arrays(path: Path, columns: Sequence[str]) -> Iterator[tuple[pd.DataFrame, NDArray[np.float32]]]:
    """Yield the rows of a table of numbers in blocks, such as latent codes.

    Args:
        path: A `.csv`, `.tsv` (also compressed) or `.parquet` table, or `-` for CSV from standard input.
        columns: The D columns of numbers.

    Yields:
        The other columns, N rows of text or as typed in a Parquet file, and the numbers, float32 (N, D), NaN where a
        cell is empty.

    Raises:
        DataError: If the file cannot be read, or a column is missing or has something else.
    """
    for block in _number_blocks(path):
        missing = [name for name in columns if name not in block.columns]
        if missing:
            shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
            raise DataError(
                f"{path}: expected {len(columns)} columns {columns[0]} to {columns[-1]}, found {len(missing)} of them "
                f"missing ({shown}); give a table that `molvae encode` wrote with the same model"
            )
        try:
            numbers = np.column_stack([_numbers(block[name]) for name in columns])
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{path}: expected numbers in the columns {columns[0]} to {columns[-1]}, found others ({error})"
            ) from error
        yield block.drop(columns=list(columns)), numbers


def _numbers(cells: pd.Series) -> NDArray[np.float32]:
    if pd.api.types.is_numeric_dtype(cells):
        return cells.to_numpy(dtype=np.float32, na_value=np.nan)
    return np.array([float(cell) if cell else np.nan for cell in cells], dtype=np.float32)


def _number_blocks(path: Path) -> Iterator[pd.DataFrame]:
    if path.suffix.lower() == ".parquet":
        yield from _parquet_blocks(path)
        return
    is_tab = format_of(path) == ".tsv"
    with explained(path), open_bytes(path, text=True) as file:
        try:
            delimiter = "\t" if is_tab else ","
            yield from pd.read_csv(
                file, sep=delimiter, chunksize=BLOCK_ROWS, dtype=str, keep_default_na=False, encoding="utf-8-sig"
            )
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: expected a table of numbers, found something else ({error})") from error
