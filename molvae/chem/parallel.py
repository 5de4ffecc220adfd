"""Work on many molecules in several processes."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from molvae.errors import DataError

Task = TypeVar("Task")
Result = TypeVar("Result")

# Below this many molecules, starting processes (each imports RDKit anew) costs more than it gives.
FEWEST_FOR_A_POOL = 2000
CHUNK_SIZE = 500


def chunks_of(smiles: Sequence[str]) -> list[Sequence[str]]:
    """Cut molecules into the chunks that a process works on at a time."""
    return [smiles[start : start + CHUNK_SIZE] for start in range(0, len(smiles), CHUNK_SIZE)]


def map_tasks(function: Callable[[Task], Result], tasks: Sequence[Task], n_jobs: int) -> Iterator[Result]:
    """Apply `function` to every task, in order, in several processes or, with `n_jobs` 1, in this one.

    Args:
        function: From a task to its result; all three must be picklable.
        tasks: The tasks, each worth at least some hundredths of a second.
        n_jobs: Processes.

    Yields:
        A result a task.

    Raises:
        DataError: If a process is killed, as for want of memory.
    """
    if n_jobs == 1:
        yield from map(function, tasks)
        return
    # Spawned, not forked: a fork of a process in which torch has threads can hang.
    with ProcessPoolExecutor(n_jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            yield from pool.map(function, tasks)
        except BrokenProcessPool as error:
            raise DataError(
                f"expected {n_jobs} processes to work to the end, found one killed, as for want of memory; "
                "use fewer with --threads"
            ) from error


def map_chunks(function: Callable[[Sequence[str]], Result], smiles: Sequence[str], n_jobs: int = 1) -> Iterator[Result]:
    """Apply `function` to consecutive chunks of molecules, in order.

    The chunks are the same for every `n_jobs`, so the results are too. Few molecules are handled in this process.

    Args:
        function: From a chunk to its result; both must be picklable.
        smiles: The molecules.
        n_jobs: Processes for many molecules.

    Yields:
        A result a chunk.

    Raises:
        DataError: If a process is killed, as for want of memory.
    """
    return map_tasks(function, chunks_of(smiles), n_jobs if len(smiles) >= FEWEST_FOR_A_POOL else 1)
