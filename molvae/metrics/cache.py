"""A cache on disk, as for the statistics of reference molecules, keyed by a hash of all that they depend on."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molvae.errors import MolvaeError
from molvae.folders import CHECKSUMS, is_whole, locked, replacing_files, require_private, seal
from molvae.log import logger
from molvae.provenance import software, versions

FORMAT = 2
FOLDER_VARIABLE = "MOLVAE_CACHE"
_ARRAYS = "arrays.npz"
_FILES = (_ARRAYS, "*.texts.parquet", "*.counts.parquet")


@dataclass(frozen=True)
class Stored:
    """Columns and counts as the cache holds them.

    Attributes:
        arrays: Arrays of numbers by name.
        texts: Lists of strings by name.
        counts: Counts of strings by name.
    """

    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write all to an empty folder."""
        np.savez(folder / _ARRAYS, allow_pickle=False, **self.arrays)
        for name, texts in self.texts.items():
            pq.write_table(pa.table({"text": pa.array(texts, pa.string())}), folder / f"{name}.texts.parquet")
        for name, counts in self.counts.items():
            columns = {"text": pa.array(list(counts), pa.string()), "n": pa.array(list(counts.values()), pa.int64())}
            pq.write_table(pa.table(columns), folder / f"{name}.counts.parquet")

    @classmethod
    def load(cls, folder: Path) -> "Stored":
        """Read what `save` wrote."""
        with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
            stored = cls(arrays=dict(arrays))
        for path in sorted(folder.glob("*.texts.parquet")):
            stored.texts[path.name.partition(".")[0]] = pq.read_table(path)["text"].to_pylist()
        for path in sorted(folder.glob("*.counts.parquet")):
            table = pq.read_table(path)
            counts = zip(table["text"].to_pylist(), table["n"].to_pylist(), strict=True)
            stored.counts[path.name.partition(".")[0]] = Counter(dict(counts))
        return stored


def cache_folder() -> Path:
    """Return the folder of the cache: `$MOLVAE_CACHE`, or one in the user's cache folder."""
    return Path(os.environ.get(FOLDER_VARIABLE) or pooch.os_cache("molvae"))


def cached(kind: str, smiles: Iterable[str], make: Callable[[], Stored]) -> Stored:
    """Return the statistics of molecules from the cache, or compute them and add them to it.

    Args:
        kind: Which statistics.
        smiles: The molecules, in order.
        make: Computes the statistics.
    """
    digest = hashlib.sha256(json.dumps([FORMAT, kind, software(), versions()]).encode())
    for text in smiles:
        digest.update(text.encode())
        digest.update(b"\n")
    what = f"the statistics of the {kind} molecules are"
    try:
        folder = private_folder(f"{kind}-{digest.hexdigest()[:24]}")
    except (OSError, MolvaeError) as error:
        warn_not_cached(what, error)
        return make()
    with entry_lock(folder):
        if folder.exists():
            if is_whole(folder, [_ARRAYS]):
                logger.info("statistics of the %s molecules from %s", kind, folder)
                return Stored.load(folder)
            logger.warning(
                "%s: expected statistics from an earlier run, found a damaged folder; recomputing them", folder
            )
        stored = make()
        try:
            with replacing_entry(folder, _FILES) as temporary:
                stored.save(temporary)
        # Without the cache, the next call takes longer, and nothing else changes.
        except (OSError, MolvaeError) as error:
            warn_not_cached(what, error)
        return stored


def private_folder(name: str) -> Path:
    """Return the folder of an entry of the cache, after a look at who can write to it; the cache is made if need be.

    Raises:
        DataError: If another user can write to the cache or to the entry, so that it may hold any numbers.
        OSError: If the cache cannot be made or looked at.
    """
    folder = cache_folder() / name
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in (folder.parent, folder) if folder.exists() else (folder.parent,):
        require_private(place)
    return folder


@contextmanager
def entry_lock(folder: Path) -> Iterator[None]:
    """Let a second process wait for what the first computes; where nothing can be written, none waits."""
    with ExitStack() as stack:
        with suppress(OSError, MolvaeError):
            stack.enter_context(locked(folder.with_name(f".{folder.name}.lock"), wait=True))
        yield


@contextmanager
def replacing_entry(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """Write an entry as `replacing_files` does, sealed, to a folder that only its user can write to.

    Args:
        folder: From `private_folder`.
        names: The files that are written, without the checksums.
    """
    with replacing_files(folder, (*names, CHECKSUMS)) as temporary:
        yield temporary
        seal(temporary)
        # Whatever the umask: a folder that a group can write to would not be read again.
        folder.mkdir(mode=0o700, exist_ok=True)


def warn_not_cached(what: str, error: Exception) -> None:
    """Warn that something, such as `the model is`, could not be added to the cache."""
    logger.warning("%s not cached (%s); set %s to a writable folder of your own", what, error, FOLDER_VARIABLE)
