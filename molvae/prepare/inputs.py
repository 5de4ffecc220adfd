"""Which files a run reads."""

import glob
from collections.abc import Sequence
from pathlib import Path

from molvae.errors import DataError
from molvae.prepare.fetch import RAW, check, fetch, remote_of


def expand(patterns: Sequence[str | Path]) -> list[Path]:
    """Return the files that paths, patterns such as `library/*.smi`, presets and addresses name; nothing is fetched.

    Args:
        patterns: Paths; patterns with `*`, `?`, `[...]` and, for folders of any depth, `**`; names of public libraries
            or addresses, for which the place is returned where they are kept. See `molvae.prepare.fetch`.

    Returns:
        The files in the order of the patterns, those of one pattern sorted by name; none twice. A path without such
        signs is returned as it is, whether or not there is a file.

    Raises:
        DataError: If a pattern fits no file.
        ConfigError: If an address names no file.
    """
    files: dict[Path, None] = {}
    for pattern in map(str, patterns):
        if remote := remote_of(pattern):
            files.setdefault(RAW / remote.place)
            continue
        # A name may hold such a sign itself.
        if not glob.has_magic(pattern) or Path(pattern).exists():
            files.setdefault(Path(pattern))
            continue
        fitting = [path for path in map(Path, sorted(glob.glob(pattern, recursive=True))) if path.is_file()]
        if not fitting:
            raise DataError(f"{pattern}: expected files that fit the pattern, found none; check it")
        files.update(dict.fromkeys(fitting))
    return list(files)


def fetch_missing(names: Sequence[str | Path], *, offline: bool = False) -> None:
    """Fetch the public libraries and addresses among the inputs that are not there yet, and check those that are.

    Args:
        names: The inputs; see `expand`.
        offline: Fetch nothing.

    Raises:
        DataError: If a file cannot be fetched or does not have its checksum; with `offline`, if any is missing, with
            the address and place of each.
    """
    remotes = [remote for name in names if (remote := remote_of(str(name)))]
    missing = [remote for remote in remotes if not (RAW / remote.place).exists()]
    if missing and offline:
        listed = "; ".join(f"{RAW / remote.place} from {remote.url}" for remote in missing)
        raise DataError(f"--offline: expected the files to be there, found missing: {listed}; fetch them where you can")
    for remote in remotes:
        check(remote) if offline else fetch(remote)
