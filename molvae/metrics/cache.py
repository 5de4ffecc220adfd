"""A cache on disk for the statistics of reference molecules, keyed by a hash of all that they depend on."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
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
_FILES = (_ARRAYS, "*.texts.parquet", "*.counts.parquet", CHECKSUMS)


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
    folder = cache_folder() / f"{kind}-{digest.hexdigest()[:24]}"
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # What another user can write to may hold any numbers.
        for place in (folder.parent, folder) if folder.exists() else (folder.parent,):
            require_private(place)
    except (OSError, MolvaeError) as error:
        _warn_not_cached(kind, error)
        return make()
    with ExitStack() as stack:
        # A second run waits for what the first computes; where nothing can be written, there is nothing to wait for.
        with suppress(OSError, MolvaeError):
            stack.enter_context(locked(folder.with_name(f".{folder.name}.lock"), wait=True))
        return _cached(folder, kind, make)


def _cached(folder: Path, kind: str, make: Callable[[], Stored]) -> Stored:
    if folder.exists():
        if is_whole(folder, [_ARRAYS]):
            logger.info("statistics of the %s molecules from %s", kind, folder)
            return Stored.load(folder)
        logger.warning("%s: expected statistics from an earlier run, found a damaged folder; recomputing them", folder)
    stored = make()
    try:
        with replacing_files(folder, _FILES) as temporary:
            stored.save(temporary)
            seal(temporary)
    # Without the cache, the next call takes longer, and nothing else changes.
    except (OSError, MolvaeError) as error:
        _warn_not_cached(kind, error)
    return stored


def _warn_not_cached(kind: str, error: Exception) -> None:
    logger.warning(
        "the statistics of the %s molecules are not cached (%s); set %s to a writable folder of your own",
        *(kind, error, FOLDER_VARIABLE),
    )
