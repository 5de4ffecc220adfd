"""Open Parquet tables, compressed as a whole or not."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from molvae.chem.open_file import is_compressed, open_bytes
from molvae.errors import DataError

if TYPE_CHECKING:
    import pyarrow.parquet as pq


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
        source = io.BytesIO(file.read()) if is_compressed(path) else file
        try:
            yield pq.ParquetFile(source)
        except pa.ArrowException as error:
            raise DataError(f"{path}: expected a Parquet table, found something else ({error})") from error
