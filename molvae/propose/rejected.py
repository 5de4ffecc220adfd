"""The table of the rows of a pool that are not molecules, which is written next to the plate."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pandas as pd

from molvae.errors import DataError
from molvae.files import invalidate, write_table
from molvae.log import logger
from molvae.propose.rows import Unusable

_HEADER = ",".join(field.name for field in fields(Unusable)).encode()


def rejected_of(plate: Path) -> Path:
    """Return the name of the table of a plate.

    Raises:
        DataError: If another file has this name, which would be replaced or removed.
    """
    path = plate.with_name(f"{plate.name.partition('.')[0]}_rejected.csv")
    if (path.exists() or path.is_symlink()) and not _is_ours(path):
        raise DataError(
            f"{path}: expected nothing of this name, or a table of rejected rows that propose wrote there, found "
            "something else; move it away, or give another --out"
        )
    return path


def replace_rejected(plate: Path, unusable: Sequence[Unusable]) -> None:
    """Write the table of a plate that is not written yet; without such rows there is none."""
    path = rejected_of(plate)
    # Where there is a plate, it is that of this table.
    if unusable or path.exists():
        invalidate(plate)
    path.unlink(missing_ok=True)
    if unusable:
        write_table(path, pd.DataFrame(unusable))
        logger.warning("%s: rows of the pool that are not molecules", path)


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.readline(len(_HEADER) + 2).rstrip(b"\r\n") == _HEADER
    except OSError:
        return False
