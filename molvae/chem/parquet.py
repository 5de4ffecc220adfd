"""Open Parquet tables, compressed as a whole or not."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from molvae.chem.open_file import MAX_LINE_LENGTH, is_compressed, open_bytes
from molvae.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

# Bytes of a compressed file when unpacked, which are held in memory.
_MAX_UNPACKED = 1 << 30
# Rows that are read at a time. A text that a file has once may be in all of them, and the sizes in its footer are but a
# claim.
_BATCH_ROWS = 100


@contextmanager
def open_parquet(path: Path) -> Iterator["pq.ParquetFile"]:
    """Open a Parquet table.

    Raises:
        DataError: If it is none, or damaged; also while it is read inside the block.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_bytes(path) as file:
        # Parquet is read from its end, which a compressed stream cannot do: that one is unpacked in memory.
        source = io.BytesIO(_unpacked(path, file)) if is_compressed(path) else file
        try:
            yield pq.ParquetFile(source, page_checksum_verification=True)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}: expected text in UTF-8, found otherwise ({error}); make the file again"
            ) from error
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: expected a Parquet table, found something else ({error})") from error


def batches(table: "pq.ParquetFile", columns: Sequence[str] | None = None) -> Iterator["pa.RecordBatch"]:
    """Yield the rows of a table, some at a time.

    A text above `MAX_LINE_LENGTH` is not held, as in the files that have lines: `<value-of-N-characters>` stands for
    it.

    Args:
        table: The open table.
        columns: Which columns; all of them by default.
    """
    import pyarrow as pa

    for batch in table.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
        yield pa.RecordBatch.from_arrays([_without_long_texts(column) for column in batch.columns], schema=batch.schema)


def _without_long_texts(column: "pa.Array") -> "pa.Array":
    import pyarrow as pa

    if column.nbytes <= MAX_LINE_LENGTH:
        return column
    if pa.types.is_dictionary(column.type):
        values = _without_long_texts(column.dictionary)
        return pa.DictionaryArray.from_arrays(column.indices, values, ordered=column.type.ordered)
    if not _is_text(column.type):
        return column
    texts = [
        f"<value-of-{len(text)}-characters>" if text is not None and len(text) > MAX_LINE_LENGTH else text
        for text in column.to_pylist()
    ]
    return pa.array(texts, column.type)


def _unpacked(path: Path, file: IO[bytes]) -> bytes:
    content = file.read(_MAX_UNPACKED + 1)
    if len(content) > _MAX_UNPACKED:
        raise DataError(
            f"{path}: expected at most {_MAX_UNPACKED:,} bytes when unpacked, found more; unpack the file, since "
            "Parquet is compressed in itself"
        )
    return content


def require_text(path: Path, field: "pa.Field") -> None:
    """Check that a column of SMILES is text.

    Raises:
        DataError: If it is something else.
    """
    import pyarrow as pa

    if not _is_text(field.type.value_type if pa.types.is_dictionary(field.type) else field.type):
        raise DataError(
            f"{path}: expected SMILES as text in the column {field.name!r}, found {field.type}; name another column "
            "(smiles_column, --smiles-column)"
        )


def _is_text(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
