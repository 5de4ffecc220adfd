"""Read and write files so that an output appears whole or not at all."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike, NDArray

from molvae.errors import NO_ROOM, DataError
from molvae.text import spreadsheet_safe
from molvae.untrusted import parse_json, read_utf8

TABLE_ENDINGS = (".parquet", ".csv")
BLOCK_ROWS = 20_000


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`, and rename the file that was written there to `path` at the end.

    After an error nothing is left behind and an older `path` is untouched. For several files that belong together see
    `molvae.folders.replacing_files`.

    Raises:
        DataError: If there is no room on the disk, no folder can be made where `path` is to be, or `path` is a folder.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{path.parent}: expected a writable folder, found otherwise ({error.strerror}); write elsewhere"
        ) from error
    # The suffix is kept, because writers choose their format by it; the process id keeps two runs apart.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        with room_for(path):
            yield temporary
            sync(temporary)
        move(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def move(temporary: Path, path: Path) -> None:
    """Rename a file that was written to the disk, in the place of an older one.

    Raises:
        DataError: If a folder is there.
    """
    try:
        temporary.replace(path)
    except IsADirectoryError as error:
        raise DataError(
            f"{path}: expected a file or nothing, found a folder; move it away, or write elsewhere"
        ) from error
    # Without this a power failure may undo the renaming. Not every file system can.
    with suppress(OSError):
        sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk, so that a power failure leaves no empty file of its name."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise
    finally:
        os.close(descriptor)


def invalidate(summary: Path) -> None:
    """Remove the file that a stage writes last, before it writes its first: where it is, the others belong to it.

    Raises:
        DataError: If a folder is there.
    """
    try:
        summary.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(
            f"{summary}: expected a file that can be replaced, found otherwise ({error.strerror}); move it away, or "
            "write elsewhere"
        ) from error


@contextmanager
def room_for(path: Path) -> Iterator[None]:
    """Turn the error of a full disk into a `DataError` that says what was to be written."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise DataError(
            f"{path}: expected room on the disk to write it, found none ({os.strerror(error.errno)}); make room, or "
            "write elsewhere"
        ) from error


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON; not-a-number is refused, since JSON has none."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path, keys: Sequence[str] = ()) -> Any:
    """Read a JSON file.

    Args:
        path: The file.
        keys: Required keys; if there are any, the file must contain a JSON object.

    Raises:
        DataError: If the file is missing, not JSON, far too large, or lacks a key.
    """
    try:
        content = parse_json(read_utf8(path))
    except ValueError as error:
        raise DataError(f"{path}: expected JSON, found something else ({error}); make the file again") from error
    if keys and not isinstance(content, dict):
        raise DataError(f"{path}: expected a JSON object, found {type(content).__name__}; make the file again")
    missing = [key for key in keys if key not in content]
    if missing:
        raise DataError(f"{path}: expected the keys {missing}, found {list(content)}; make the file again")
    return content


def check_table_name(path: Path) -> None:
    """Check that a file name has the ending of a table, before the work whose result it is.

    Raises:
        DataError: If it ends neither in `.parquet` nor in `.csv`.
    """
    if path.suffix not in TABLE_ENDINGS:
        raise DataError(f"{path}: expected a name that ends in {' or '.join(TABLE_ENDINGS)}; give the table another")


def check_writable(path: Path) -> None:
    """Check that a file can be written, before the work whose result it is.

    Raises:
        DataError: If its folder, or the one that it would be made in, cannot be written.
    """
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not os.access(folder, os.W_OK):
        raise DataError(f"{folder}: expected a writable folder, found otherwise; write elsewhere")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as `.parquet` or `.csv`, by the name's ending; the row index is not written.

    A `.parquet` file has checksums, which `read_table` verifies. In a `.csv` file no text is a formula.

    Raises:
        DataError: If the name has another ending.
    """
    check_table_name(path)
    with replacing(path) as temporary:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False, write_page_checksum=True)
        else:
            spreadsheet_safe(table).to_csv(temporary, index=False, lineterminator="\n", encoding="utf-8")


def read_table(
    path: Path, columns: Sequence[str] = (), *, required: Sequence[str] = (), texts: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a `.parquet` or `.csv` table that molvae wrote.

    Args:
        path: The file.
        columns: The columns to return, in that order; by default all.
        required: Columns that must be there whether or not they are returned.
        texts: Columns that are text, also where they look like numbers: an ID may begin with zeros.

    Raises:
        DataError: If the file is missing, not such a table, or lacks a column.
    """
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(existing(path), page_checksum_verification=True)
        else:
            table = pd.read_csv(existing(path), dtype=dict.fromkeys(texts, object))
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: expected a {path.suffix} table, found something else ({error})") from error
    _check_columns(path, [*columns, *required], table.columns)
    return table[list(columns)] if columns else table


def column_names(path: Path) -> list[str]:
    """Return the names of the columns of a `.parquet` table.

    Raises:
        DataError: If the file is missing or not such a table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(existing(path)).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: expected a .parquet table, found something else ({error})") from error


def read_blocks(path: Path, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Read columns of a `.parquet` table that molvae wrote, some rows at a time, for one that is larger than memory.

    Raises:
        DataError: If the file is missing, not such a table, or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Not read ahead: that would hold whole row groups.
        with pq.ParquetFile(existing(path), pre_buffer=False, page_checksum_verification=True) as file:
            _check_columns(path, columns, file.schema_arrow.names)
            for block in file.iter_batches(BLOCK_ROWS, columns=list(columns), use_threads=False):
                yield block.to_pandas()
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: expected a .parquet table, found something else ({error})") from error


def _check_columns(path: Path, expected: Sequence[str], names: Iterable[str]) -> None:
    names = list(names)
    missing = [column for column in expected if column not in names]
    if missing:
        raise DataError(f"{path}: expected the columns {missing}, found {names}; make the file again")


@contextmanager
def growing_array(path: Path, dtype: DTypeLike, n_columns: int = 0) -> Iterator[Callable[[NDArray[Any]], None]]:
    """Write a `.npy` file piece by piece, for an array that is larger than memory.

    Args:
        path: The file.
        dtype: Type of the values.
        n_columns: Size of the second axis; 0 for an array of one axis.

    Yields:
        A function that appends rows, an array (N, n_columns), or (N,) without columns.
    """
    kind = np.dtype(dtype)
    n_rows = 0
    with path.open("wb") as file:

        def write_header() -> None:
            # NumPy leaves room in the header for the first axis to grow.
            shape = (n_rows, n_columns) if n_columns else (n_rows,)
            content = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, content)

        def append(rows: NDArray[Any]) -> None:
            nonlocal n_rows
            n_rows += len(rows)
            file.write(np.ascontiguousarray(rows, dtype=kind).tobytes())

        write_header()
        yield append
        file.seek(0)
        write_header()


def existing(path: Path) -> Path:
    """Return `path` if it exists, or raise a `DataError` that names it."""
    if not path.exists():
        raise DataError(f"{path}: expected a file or folder here, found none; check the path or run the stage before")
    return path


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits.

    Raises:
        DataError: If there is no such file, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: expected a file to hash, found none that can be read ({error.strerror})") from error
