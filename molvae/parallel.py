"""Work on many molecules in several processes, with the results in order and little in memory."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from molvae.errors import DataError

Item = TypeVar("Item")
Task = TypeVar("Task")
Result = TypeVar("Result")

# Below this many molecules, starting processes (each imports RDKit anew) costs more than it gives.
MIN_FOR_A_POOL = 2000
CHUNK_SIZE = 500
# Tasks under way for each process: enough that none waits, few enough that a long stream is not held in memory.
_AHEAD = 4


def available_cpus() -> int:
    """Return how many CPUs this process may use, which on a shared machine can be fewer than it has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpus_to_use(asked: int | None) -> int:
    """Return the number of CPUs asked for, all by default, but no more than there are for this process."""
    return min(asked or available_cpus(), available_cpus())


def set_threads(threads: int | None) -> int:
    """Let torch use that many CPU threads, but no more than there are CPUs; return the number."""
    import torch

    n_threads = cpus_to_use(threads)
    torch.set_num_threads(n_threads)
    return n_threads


def processes_for(n_molecules: int, n_jobs: int) -> int:
    """Return how many of `n_jobs` processes are worth starting for that many molecules."""
    return n_jobs if n_molecules >= MIN_FOR_A_POOL else 1


def chunks_of(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut a stream into the chunks that a process works on at a time."""
    stream = iter(items)
    while chunk := list(islice(stream, CHUNK_SIZE)):
        yield chunk


def map_tasks(function: Callable[[Task], Result], tasks: Iterable[Task], n_jobs: int) -> Iterator[tuple[Task, Result]]:
    """Apply `function` to every task, in order, in several processes or, with `n_jobs` 1, in this one.

    Args:
        function: From a task to its result; for several processes all three must be picklable.
        tasks: The tasks, each worth at least some hundredths of a second; read only a little ahead of the results.
        n_jobs: Processes. The results do not depend on it.

    Yields:
        Each task with its result.

    Raises:
        DataError: If a process is killed, as for want of memory.
    """
    if n_jobs == 1:
        for task in tasks:
            yield task, function(task)
        return
    # Spawned, not forked: a fork of a process in which torch has threads can hang.
    pool = ProcessPoolExecutor(n_jobs, multiprocessing.get_context("spawn"), ignore_interrupts)
    under_way: deque[tuple[Task, Future[Result]]] = deque()
    try:
        for task in tasks:
            under_way.append((task, pool.submit(function, task)))
            if len(under_way) == n_jobs * _AHEAD:
                first, future = under_way.popleft()
                yield first, future.result()
        while under_way:
            first, future = under_way.popleft()
            yield first, future.result()
    except BrokenProcessPool as error:
        raise DataError(
            f"expected {n_jobs} processes to work to the end, found one killed, as for want of memory; "
            "use fewer with --threads"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def map_chunks(function: Callable[[list[str]], Result], smiles: Sequence[str], n_jobs: int = 1) -> Iterator[Result]:
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
    for _, result in map_tasks(function, chunks_of(smiles), processes_for(len(smiles), n_jobs)):
        yield result


def ignore_interrupts() -> None:
    """Let a worker process go on at Ctrl-C, which reaches it too: the process that started it ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
