"""Fitted models of tables, kept on disk: every process that scores by a table needs the same one."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from molvae.errors import MolvaeError
from molvae.files import file_sha256
from molvae.folders import is_whole
from molvae.learned.folder import FILES, RECORD, TABLE, TENSORS, load, write
from molvae.learned.measurements import Measurements, read_measurements
from molvae.learned.model import LearnedModel, fit
from molvae.log import logger
from molvae.metrics.cache import entry_lock, private_folder, replacing_entry, warn_not_cached
from molvae.provenance import software, versions

SEED = 1
"""Seed of the fit: what a table says of a molecule must not depend on the run that asks."""


def measurements_of(table: Path, column: str, smiles_column: str | None) -> Measurements:
    """Read measurements as `read_measurements` does, once in a process for the same content."""
    return _measurements(table, column, smiles_column, file_sha256(table))


@lru_cache(maxsize=8)
def _measurements(table: Path, column: str, smiles_column: str | None, sha256: str) -> Measurements:  # noqa: ARG001
    return read_measurements(table, column, smiles_column)


def learned_from(table: Path, column: str, smiles_column: str | None) -> LearnedModel:
    """Return the model of a table's column, from the cache if it is there; otherwise it is fitted and added.

    Raises:
        MolvaeError: As `read_measurements` does.
    """
    return _learned(table, column, smiles_column, file_sha256(table))


@lru_cache(maxsize=8)
def _learned(table: Path, column: str, smiles_column: str | None, sha256: str) -> LearnedModel:
    key = json.dumps([sha256, "".join(table.suffixes), column, smiles_column, SEED, software(), versions()])

    def fitted() -> LearnedModel:
        return fit(_measurements(table, column, smiles_column, sha256), seed=SEED)

    try:
        folder = private_folder(f"learned-{hashlib.sha256(key.encode()).hexdigest()[:24]}")
    except (OSError, MolvaeError) as error:
        warn_not_cached("the model is", error)
        return fitted()
    with entry_lock(folder):
        if folder.exists():
            if is_whole(folder, [TENSORS, TABLE, RECORD]):
                return load(folder)
            logger.warning("%s: expected a learned model, found a damaged folder; it is learned again", folder)
        learned = fitted()
        try:
            with replacing_entry(folder, FILES) as temporary:
                write(learned, temporary)
        # Without the cache, the next process takes longer, and nothing else changes.
        except (OSError, MolvaeError) as error:
            warn_not_cached("the model is", error)
        return learned
