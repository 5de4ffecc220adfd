"""Fitted models of tables, kept on disk: every process that scores by a table needs the same one."""

import hashlib
import json
from contextlib import ExitStack, suppress
from functools import lru_cache
from pathlib import Path

from molvae.errors import MolvaeError
from molvae.files import file_sha256
from molvae.folders import locked
from molvae.learned.folder import RECORD, load
from molvae.learned.measurements import Measurements, read_measurements
from molvae.learned.model import LearnedModel, fit
from molvae.log import logger
from molvae.metrics.cache import FOLDER_VARIABLE, cache_folder
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
    folder = cache_folder() / f"learned-{hashlib.sha256(key.encode()).hexdigest()[:24]}"
    with ExitStack() as stack:
        # Processes that start together wait for the first one; where nothing can be written, there is nothing to wait
        # for.
        with suppress(OSError, MolvaeError):
            stack.enter_context(locked(folder.with_name(f".{folder.name}.lock"), wait=True))
        if (folder / RECORD).exists():
            try:
                return load(folder)
            except MolvaeError as error:
                logger.warning("%s; it is learned again", error)
        learned = fit(_measurements(table, column, smiles_column, sha256), seed=SEED)
        try:
            learned.save(folder)
        # Without the cache, the next process takes longer, and nothing else changes.
        except (OSError, MolvaeError) as error:
            logger.warning("the model is not cached (%s); set %s to a writable folder", error, FOLDER_VARIABLE)
        return learned
