"""Rows in blocks on disk: the same blocks whatever the number of jobs and processes, so that the outcome is too.

A block is a Parquet table with the conversion of `BLOCK_SIZE` consecutive rows. Each is written whole or not at all, so
that a killed run resumes with the first missing block, and several jobs can share the work.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molvae.chem.measurements import NO_DECIMAL_COMMAS, DecimalCommas
from molvae.chem.quiet import quiet
from molvae.chem.reading import Columns, Record, read_records, with_structure
from molvae.chem.timeout import Outcome, map_within
from molvae.config import PrepareConfig
from molvae.files import replacing
from molvae.log import logger
from molvae.parallel import chunks_of, map_tasks
from molvae.prepare.convert import Accepted, Reason, Rejected, convert_all
from molvae.prepare.split import hint_of
from molvae.prepare.stereoisomers import enumerate_stereoisomers
from molvae.provenance import software
from molvae.tables import CENSORED, MEASURED
from molvae.text import one_line
from molvae.vocabulary import split_selfies

BLOCK_SIZE = 20_000
UNREADABLE = "unreadable."
"""Prefix of the columns with the text of a measured value that is neither a number nor a bound."""

# Settings that are not used before the rows are gathered.
_GATHER_SETTINGS = ("validation_fraction", "test_fraction", "max_rejected", "min_token_molecules", "shards", "repeats")


@dataclass(frozen=True)
class Source:
    """Input files that form one source of rows.

    Attributes:
        name: `test` or `input`; prefix of the names of its blocks.
        paths: The files, in order.
    """

    name: str
    paths: tuple[Path, ...]

    def records(self, config: PrepareConfig) -> Iterator[Record]:
        """Yield the rows of all files."""
        extra = (*config.properties, *([config.split_column] if config.split_column else []))
        for path in self.paths:
            yield from read_records(path, Columns(config.smiles_column, config.id_column, extra))


@dataclass(frozen=True, slots=True)
class _Task:
    source: str
    path: Path
    records: list[Record]
    is_last: bool


def identity(sources: Sequence[Source], config: PrepareConfig) -> str:
    """Return a hash of all that the blocks depend on, so that those of other files or settings are not reused."""
    settings = config.model_dump(mode="json", exclude=set(_GATHER_SETTINGS))
    # By size and time, not by content: a hash of a large library takes minutes.
    files = [(source.name, str(path), *_state(path)) for source in sources for path in source.paths]
    content = json.dumps([settings, files, software(), BLOCK_SIZE])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _state(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def convert_blocks(
    sources: Sequence[Source],
    config: PrepareConfig,
    folder: Path,
    *,
    n_jobs: int,
    advance: Callable[[int], None],
    on_block: Callable[[str, pa.Table], None],
    decimal_commas: DecimalCommas = NO_DECIMAL_COMMAS,
    shard: tuple[int, int] = (1, 1),
) -> list[Path]:
    """Convert all rows, or a shard of them, except for the blocks that exist already.

    Args:
        sources: The files.
        config: The settings.
        folder: Folder of the blocks.
        n_jobs: Processes to use.
        advance: Called with the number of rows newly done.
        on_block: Called with the name of the source and the table of each converted block; may raise.
        decimal_commas: The files whose measured values have decimal commas.
        shard: Number of the shard, from 1, and how many there are.

    Returns:
        The paths of all blocks, in the order of the sources and rows.
    """
    paths: list[Path] = []
    tasks = _tasks(sources, config, folder, paths, shard, advance)
    convert = partial(_convert_task, config=config, decimal_commas=decimal_commas)
    done: list[pa.RecordBatch] = []
    for task, batch in map_tasks(convert, tasks, n_jobs):
        done.append(batch)
        advance(len(task.records))
        if task.is_last:
            block = pa.Table.from_batches(done)
            with replacing(task.path) as temporary:
                pq.write_table(block, temporary, compression="zstd", compression_level=1, write_page_checksum=True)
            done.clear()
            on_block(task.source, block)
    return paths


def _tasks(
    sources: Sequence[Source],
    config: PrepareConfig,
    folder: Path,
    paths: list[Path],
    shard: tuple[int, int],
    advance: Callable[[int], None],
) -> Iterator[_Task]:
    """Yield the tasks that are left to do, and append the path of every block to `paths`."""
    number, n_shards = shard
    for source in sources:
        records = source.records(config)
        while block := list(islice(records, BLOCK_SIZE)):
            path = folder / f"{source.name}-{len(paths):06d}.parquet"
            paths.append(path)
            if len(paths) % n_shards != number % n_shards or _is_whole(path):
                advance(len(block))
                continue
            n_left = len(block)
            for chunk in chunks_of(block):
                n_left -= len(chunk)
                yield _Task(source.name, path, chunk, n_left == 0)


def _is_whole(path: Path) -> bool:
    """Tell whether a block is there; a damaged one is reported and recomputed."""
    if not path.exists():
        return False
    try:
        pq.read_table(path, page_checksum_verification=True, memory_map=False, use_threads=False)
    except (OSError, pa.ArrowException):
        logger.warning("%s: expected what an earlier run has left, found a damaged file; recomputing it", path)
        return False
    return True


def _convert_task(task: _Task, config: PrepareConfig, decimal_commas: DecimalCommas) -> pa.RecordBatch:
    return convert_chunk(task.records, config, decimal_commas)


def convert_chunk(
    records: Sequence[Record], config: PrepareConfig, decimal_commas: DecimalCommas = NO_DECIMAL_COMMAS
) -> pa.RecordBatch:
    """Convert some rows to a part of a block; missing values are null."""
    if any(record.block for record in records):
        records = _with_structures(records, config.time_limit_s)
    outcomes = convert_all(records, config)
    isomer = [0] * len(records)
    if config.stereo == "enumerate":
        records, outcomes, isomer = enumerate_stereoisomers(records, outcomes, config)
    hints = [0] * len(records)
    if config.split_column is not None:
        hints = [hint_of(record.extra[-1]) for record in records]
        for number, (hint, outcome) in enumerate(zip(hints, outcomes, strict=True)):
            if not hint and isinstance(outcome, Accepted):
                outcomes[number] = Rejected(Reason.NO_SPLIT, records[number].extra[-1])
    accepted = [outcome if isinstance(outcome, Accepted) else None for outcome in outcomes]
    rejected = [outcome if isinstance(outcome, Rejected) else None for outcome in outcomes]
    keys = np.array([_hashes(row.smiles) if row else (0, 0) for row in accepted], dtype=np.uint64)
    columns: dict[str, object] = {
        "source": [one_line(record.source) for record in records],
        "line": [record.line for record in records],
        "id": [record.id for record in records],
        "isomer": np.array(isomer, np.int32),
        "input": [record.smiles for record in records],
        "smiles": [row and row.smiles for row in accepted],
        "selfies": [row and row.selfies for row in accepted],
        "n_tokens": [row and row.n_tokens for row in accepted],
        "token_set": [row and "".join(sorted(set(split_selfies(row.selfies)))) for row in accepted],
        "key": keys[:, 0],
        "key2": keys[:, 1],
        "scaffold": np.array([_hashes(row.scaffold)[0] if row else 0 for row in accepted], np.uint64),
        "hint": np.array(hints, np.uint8),
        "reason": [row and row.reason.value for row in rejected],
        "detail": [row and row.detail for row in rejected],
        "steps": [row and " ".join(row.steps) for row in accepted],
    }
    for position, name in enumerate(config.properties):
        cells = [decimal_commas.read(record.extra[position], record.source) for record in records]
        columns[MEASURED + name] = [cell.value for cell in cells]
        columns[CENSORED + name] = [cell.censored for cell in cells]
        columns[UNREADABLE + name] = [cell.unreadable for cell in cells]
    return pa.RecordBatch.from_pydict(columns, schema=_schema(config))


def _schema(config: PrepareConfig) -> pa.Schema:
    text = ("source", "id", "input", "smiles", "selfies", "token_set", "reason", "detail", "steps")
    numbers = {"line": pa.int64(), "isomer": pa.int32(), "n_tokens": pa.int32(), "hint": pa.uint8()}
    keys = dict.fromkeys(("key", "key2", "scaffold"), pa.uint64())
    properties = {MEASURED + name: pa.float64() for name in config.properties}
    properties |= {prefix + name: pa.string() for prefix in (CENSORED, UNREADABLE) for name in config.properties}
    return pa.schema({**dict.fromkeys(text, pa.string()), **numbers, **keys, **properties})


def _with_structures(records: Sequence[Record], seconds: float) -> list[Record]:
    with quiet():
        read = map_within(with_structure, records, seconds)
    return [
        replace(record, block="", problem=f"a structure that is {result.value} to read")
        if isinstance(result, Outcome)
        else result
        for record, result in zip(records, read, strict=True)
    ]


def _hashes(text: str) -> tuple[int, int]:
    """Return a 128-bit hash as two integers: among a billion molecules, two collide with a probability of 1e-21."""
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


class Blocks:
    """Converted rows, read block by block.

    Rows are numbered consecutively over all blocks, in the order of the paths.

    Attributes:
        n_rows: Number of rows.
        columns: Names of the columns.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        """Take the blocks' paths, at least one."""
        self.paths = list(paths)
        self.columns: list[str] = pq.read_schema(self.paths[0]).names
        sizes = [pq.read_metadata(path).num_rows for path in self.paths]
        self._starts: NDArray[np.int64] = np.cumsum([0, *sizes])
        self.n_rows = int(self._starts[-1])

    def read(self, columns: list[str], only: str | None = None) -> Iterator[tuple[slice, pa.Table]]:
        """Yield the rows' numbers and the columns of block after block.

        Args:
            columns: The columns.
            only: Name of the source whose blocks are read; all by default.
        """
        for position, path in enumerate(self.paths):
            if only is None or path.name.startswith(only):
                rows = slice(int(self._starts[position]), int(self._starts[position + 1]))
                # Not memory-mapped, so that the memory of a block is freed with it.
                yield rows, pq.read_table(path, columns=columns, memory_map=False, use_threads=False)

    def sources(self) -> NDArray[np.bool_]:
        """Return for each row whether it comes from the test file, bool (n_rows,)."""
        is_test = np.zeros(self.n_rows, dtype=bool)
        for position, path in enumerate(self.paths):
            if path.name.startswith("test"):
                is_test[self._starts[position] : self._starts[position + 1]] = True
        return is_test
