"""Which files a run reads."""

import glob
from collections.abc import Sequence
from pathlib import Path

from molvae.errors import DataError
from molvae.prepare.fetch import RAW, fetch, remote_of


def expand(patterns: Sequence[str | Path]) -> list[Path]:
    """Return the files for paths, patterns such as `library/*.smi`, public libraries and URLs; nothing is fetched.

    Args:
        patterns: Paths; patterns with `*`, `?`, `[...]` and, for folders of any depth, `**`; names of public libraries
            or URLs, for which the path of the local copy is returned. See `molvae.prepare.fetch`.

    Returns:
        The files in the order of the patterns, those of one pattern sorted by name, without repeats. A path without
        wildcards is returned as it is, whether or not the file exists.

    Raises:
        DataError: If a pattern matches no file.
        ConfigError: If a URL names no file.
    """
    files: dict[Path, None] = {}
    for pattern in map(str, patterns):
        if remote := remote_of(pattern):
            files.setdefault(RAW / remote.place)
            continue
        # A file name may contain a wildcard character itself.
        if not glob.has_magic(pattern) or Path(pattern).exists():
            files.setdefault(Path(pattern))
            continue
        matches = [path for path in map(Path, sorted(glob.glob(pattern, recursive=True))) if path.is_file()]
        if not matches:
            raise DataError(f"{pattern}: expected files that match the pattern, found none; check it")
        files.update(dict.fromkeys(matches))
    return list(files)


def fetch_missing(names: Sequence[str | Path], *, offline: bool = False) -> None:
    """Fetch the public libraries and URLs among the inputs that have no local copy yet.

    Args:
        names: The inputs; see `expand`.
        offline: Fetch nothing.

    Raises:
        DataError: If a file cannot be fetched; with `offline`, if any is missing, with the URL and path of each.
    """
    remotes = [remote for name in names if (remote := remote_of(str(name)))]
    missing = [remote for remote in remotes if not (RAW / remote.place).exists()]
    if missing and offline:
        listed = "; ".join(f"{RAW / remote.place} from {remote.url}" for remote in missing)
        raise DataError(f"--offline: expected the files to be there, found missing: {listed}; fetch them where you can")
    for remote in missing:
        fetch(remote)
