"""Which files a run reads."""

import glob
from collections.abc import Sequence
from pathlib import Path

from molvae.errors import DataError


def expand(patterns: Sequence[str | Path]) -> list[Path]:
    """Return the files that paths and patterns such as `library/*.smi` name.

    Args:
        patterns: Paths, or patterns with `*`, `?`, `[...]` and, for folders of any depth, `**`.

    Returns:
        The files in the order of the patterns, those of one pattern sorted by name; none twice. A path without such
        signs is returned as it is, whether or not there is a file.

    Raises:
        DataError: If a pattern fits no file.
    """
    files: dict[Path, None] = {}
    for pattern in map(str, patterns):
        # A name may hold such a sign itself.
        if not glob.has_magic(pattern) or Path(pattern).exists():
            files.setdefault(Path(pattern))
            continue
        fitting = [path for path in map(Path, sorted(glob.glob(pattern, recursive=True))) if path.is_file()]
        if not fitting:
            raise DataError(f"{pattern}: expected files that fit the pattern, found none; check it")
        files.update(dict.fromkeys(fitting))
    return list(files)
