"""Open Parquet tables, compressed as a whole or not."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from molvae.chem.open_file import is_compressed, open_bytes
from molvae.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

# Bytes of a compressed file when unpacked, which are held in memory.
_MAX_UNPACKED = 1 << 30


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

    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise DataError(
            f"{path}: expected SMILES as text in the column {field.name!r}, found {field.type}; name another column "
            "(smiles_column, --smiles-column)"
        )
