"""Rows in blocks on disk: the same blocks whatever the number of jobs and processes, so that the outcome is too.

A block is what `BLOCK_SIZE` consecutive rows became, as a Parquet table. Each is written whole or not at all, so a
killed run goes on with the first block that is missing, and several jobs can share the work.
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

from molvae.chem.quiet import quiet
from molvae.chem.reading import NO_VALUE, Columns, Record, read_records, with_structure
from molvae.chem.timeout import Outcome, map_within
from molvae.config import PrepareConfig
from molvae.files import MEASURED, replacing
from molvae.log import logger
from molvae.parallel import chunks_of, map_tasks
from molvae.prepare.convert import Accepted, Reason, Refused, convert_all
from molvae.prepare.split import hint_of
from molvae.prepare.stereoisomers import enumerate_stereoisomers
from molvae.provenance import software
from molvae.vocabulary import split_selfies

BLOCK_SIZE = 20_000
NOT_A_NUMBER = "not a number."
"""What the name of a column begins with that says where a measured property is no number."""

# Settings that play no part before the rows are gathered.
_OF_THE_GATHERING = ("validation_fraction", "test_fraction", "max_rejected", "min_token_molecules", "shards")


@dataclass(frozen=True)
class Source:
    """Files whose rows are prepared alike.

    Attributes:
        name: `test` or `input`; begins the names of its blocks.
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
    """Return a name for all that decides the blocks: those of other files or settings are not gone on with."""
    settings = config.model_dump(mode="json", exclude=set(_OF_THE_GATHERING))
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
    judge: Callable[[str, pa.Table], None],
    shard: tuple[int, int] = (1, 1),
) -> list[Path]:
    """Convert all rows, or a shard of them, but for the blocks that are there already.

    Args:
        sources: The files.
        config: The settings.
        folder: Where the blocks are.
        n_jobs: Processes to use.
        advance: Is told of the rows done.
        judge: Is shown the source's name and the table of each block that was converted, and may raise.
        shard: Number of the shard, from 1, and how many there are.

    Returns:
        The paths of all blocks, in the order of the sources and rows.
    """
    paths: list[Path] = []
    tasks = _tasks(sources, config, folder, paths, shard, advance)
    done: list[pa.RecordBatch] = []
    for task, batch in map_tasks(partial(_convert_task, config=config), tasks, n_jobs):
        done.append(batch)
        advance(len(task.records))
        if task.is_last:
            block = pa.Table.from_batches(done)
            with replacing(task.path) as temporary:
                pq.write_table(block, temporary, compression="zstd", compression_level=1, write_page_checksum=True)
            done.clear()
            judge(task.source, block)
    return paths


def _tasks(
    sources: Sequence[Source],
    config: PrepareConfig,
    folder: Path,
    paths: list[Path],
    shard: tuple[int, int],
    advance: Callable[[int], None],
) -> Iterator[_Task]:
    """Yield the work that is left, and note the path of every block."""
    mine, n_shards = shard
    for source in sources:
        records = source.records(config)
        while block := list(islice(records, BLOCK_SIZE)):
            path = folder / f"{source.name}-{len(paths):06d}.parquet"
            paths.append(path)
            if len(paths) % n_shards != mine % n_shards or _is_whole(path):
                advance(len(block))
                continue
            left = len(block)
            for chunk in chunks_of(block):
                left -= len(chunk)
                yield _Task(source.name, path, chunk, left == 0)


def _is_whole(path: Path) -> bool:
    """Tell whether a block is there; a damaged one is told and made anew."""
    if not path.exists():
        return False
    try:
        pq.read_table(path, page_checksum_verification=True, memory_map=False, use_threads=False)
    except (OSError, pa.ArrowException):
        logger.warning("%s: expected what an earlier run has left, found a damaged file; making it anew", path)
        return False
    return True


def _convert_task(task: _Task, config: PrepareConfig) -> pa.RecordBatch:
    return convert_chunk(task.records, config)


def convert_chunk(records: Sequence[Record], config: PrepareConfig) -> pa.RecordBatch:
    """Return what became of some rows, as a part of a block; what has no value is null."""
    if any(record.block for record in records):
        records = _with_structures(records, config.time_limit_s)
    outcomes = convert_all(records, config)
    added = [False] * len(records)
    if config.stereo == "enumerate":
        records, outcomes, added = enumerate_stereoisomers(records, outcomes, config)
    hints = [0] * len(records)
    if config.split_column is not None:
        hints = [hint_of(record.extra[-1]) for record in records]
        for number, (hint, outcome) in enumerate(zip(hints, outcomes, strict=True)):
            if not hint and isinstance(outcome, Accepted):
                outcomes[number] = Refused(Reason.NO_SPLIT, records[number].extra[-1])
    molecules = [each if isinstance(each, Accepted) else None for each in outcomes]
    faults = [each if isinstance(each, Refused) else None for each in outcomes]
    keys = np.array([(0, 0) if each is None else _hashes(each.smiles) for each in molecules], dtype=np.uint64)
    columns: dict[str, object] = {
        "source": [record.source for record in records],
        "line": [record.line for record in records],
        "id": [record.id for record in records],
        "is_added": added,
        "input": [record.smiles for record in records],
        "smiles": [each and each.smiles for each in molecules],
        "selfies": [each and each.selfies for each in molecules],
        "n_tokens": [each and each.n_tokens for each in molecules],
        "kinds": [each and "".join(sorted(set(split_selfies(each.selfies)))) for each in molecules],
        "key": keys[:, 0],
        "key2": keys[:, 1],
        "scaffold": np.array([0 if each is None else _hashes(each.scaffold)[0] for each in molecules], np.uint64),
        "hint": np.array(hints, np.uint8),
        "reason": [each and each.reason.value for each in faults],
        "detail": [each and each.detail for each in faults],
        "steps": [each and " ".join(each.steps) for each in molecules],
    }
    for position, name in enumerate(config.properties):
        columns[MEASURED + name] = [_number(record.extra[position]) for record in records]
        columns[NOT_A_NUMBER + name] = [_is_no_number(record.extra[position]) for record in records]
    return pa.RecordBatch.from_pydict(columns, schema=_schema(config))


def _schema(config: PrepareConfig) -> pa.Schema:
    text = ("source", "id", "input", "smiles", "selfies", "kinds", "reason", "detail", "steps")
    numbers = {"line": pa.int64(), "is_added": pa.bool_(), "n_tokens": pa.int32(), "hint": pa.uint8()}
    keys = dict.fromkeys(("key", "key2", "scaffold"), pa.uint64())
    properties = {MEASURED + name: pa.float64() for name in config.properties}
    properties |= {NOT_A_NUMBER + name: pa.bool_() for name in config.properties}
    return pa.schema({**dict.fromkeys(text, pa.string()), **numbers, **keys, **properties})


def _with_structures(records: Sequence[Record], seconds: float) -> list[Record]:
    with quiet():
        read = map_within(with_structure, records, seconds)
    return [
        replace(record, block="", problem=f"a structure that is {each.value} to read")
        if isinstance(each, Outcome)
        else each
        for record, each in zip(records, read, strict=True)
    ]


def _hashes(text: str) -> tuple[int, int]:
    """Return a hash of 128 bits: two different molecules of a billion have the same with probability 1e-21."""
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _is_no_number(text: str) -> bool:
    return text.lower() not in NO_VALUE and _number(text) is None


class Blocks:
    """Converted rows, read block by block.

    Rows are numbered through all blocks, in the order of the paths.

    Attributes:
        n_rows: How many rows there are.
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
                # Not mapped into memory: what is done with leaves nothing behind.
                yield rows, pq.read_table(path, columns=columns, memory_map=False, use_threads=False)

    def sources(self) -> NDArray[np.bool_]:
        """Say of each row whether it is of the test file, bool (n_rows,)."""
        is_test = np.zeros(self.n_rows, dtype=bool)
        for position, path in enumerate(self.paths):
            if path.name.startswith("test"):
                is_test[self._starts[position] : self._starts[position + 1]] = True
        return is_test
