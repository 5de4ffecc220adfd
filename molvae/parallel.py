"""Process many molecules in parallel, with results in order and a bounded number in memory."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for_futures
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing.connection import wait as wait_for_connections
from typing import Any, NoReturn, TypeVar

from molvae.errors import DataError

Item = TypeVar("Item")
Task = TypeVar("Task")
Result = TypeVar("Result")

# For fewer molecules, starting processes (each imports RDKit) takes longer than it saves.
MIN_FOR_A_POOL = 2000
CHUNK_SIZE = 500
# Molecules of a training step for each core; fewer keep it busy with everything but matrix products.
MIN_PER_SHARD = 64
# Pending tasks per process: enough that none waits, few enough that a long stream is not held in memory.
_AHEAD = 4
# How long a worker process may take to end itself before it is killed.
_SECONDS_TO_END = 1.0

_shared: dict[int, ProcessPoolExecutor] | None = None
"""The pools by their numbers of processes inside `shared_processes`; None outside."""


def available_cpus() -> int:
    """Return how many CPUs this process may use, which on a shared machine can be fewer than it has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpus_to_use(requested: int | None) -> int:
    """Return the requested number of CPUs, all by default, limited to those available."""
    return min(requested or available_cpus(), available_cpus())


def set_threads(threads: int | None) -> int:
    """Let torch use that many CPU threads, but no more than there are CPUs; return the number."""
    import torch

    n_threads = cpus_to_use(threads)
    torch.set_num_threads(n_threads)
    return n_threads


def use_one_thread() -> None:
    """Let torch use one thread in a worker process: there are as many processes as cores."""
    if multiprocessing.parent_process() is not None:
        import torch

        torch.set_num_threads(1)


def processes_for(n_molecules: int, n_jobs: int) -> int:
    """Return how many of `n_jobs` processes are worth using for that many molecules: all that run already, or 1."""
    is_running = _shared is not None and n_jobs in _shared
    return n_jobs if is_running or n_molecules >= MIN_FOR_A_POOL else 1


def chunks_of(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Split a stream into the chunks that a process handles at a time."""
    stream = iter(items)
    while chunk := list(islice(stream, CHUNK_SIZE)):
        yield chunk


@contextmanager
def shared_processes() -> Iterator[None]:
    """Let all calls of `map_tasks` in the block use the same processes, each of which takes seconds to start.

    The processes hold what they have loaded until the end of the block. May be nested.
    """
    global _shared
    if _shared is not None:
        yield
        return
    _shared = {}
    try:
        yield
    finally:
        for pool in _shared.values():
            pool.shutdown(cancel_futures=True)
        _shared = None


@contextmanager
def _processes(n_jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Give the shared pool of `n_jobs` processes, or one that ends with the block."""
    if _shared is None:
        with worker_pool(n_jobs) as pool:
            yield pool
        return
    if n_jobs not in _shared:
        _shared[n_jobs] = worker_pool(n_jobs)
    try:
        yield _shared[n_jobs]
    except BrokenProcessPool:
        del _shared[n_jobs]
        raise


def map_tasks(function: Callable[[Task], Result], tasks: Iterable[Task], n_jobs: int) -> Iterator[tuple[Task, Result]]:
    """Apply `function` to every task, in order, in several processes or, with `n_jobs` 1, in this one.

    Args:
        function: From a task to its result; for several processes all three must be picklable.
        tasks: The tasks, each taking at least some hundredths of a second; read only a little ahead of the results.
        n_jobs: Number of processes. The results do not depend on it.

    Yields:
        Each task with its result.

    Raises:
        DataError: If a process is killed, for example because memory ran out.
    """
    if n_jobs == 1:
        for task in tasks:
            yield task, function(task)
        return
    pending: deque[tuple[Task, Future[Result]]] = deque()
    try:
        with _processes(n_jobs) as pool:
            try:
                for task in tasks:
                    pending.append((task, pool.submit(function, task)))
                    if len(pending) == n_jobs * _AHEAD:
                        first, future = pending.popleft()
                        yield first, future.result()
                while pending:
                    first, future = pending.popleft()
                    yield first, future.result()
            finally:
                # After an error the processes go on with what they have begun, and with nothing else.
                wait_for_futures([future for _, future in pending if not future.cancel()])
    except BrokenProcessPool as error:
        raise DataError(
            f"expected {n_jobs} processes to finish, found one killed, perhaps because memory ran out; "
            "use fewer with --threads; in a script of your own, put what runs molvae under if __name__ == '__main__':"
        ) from error


def map_chunks(function: Callable[[list[str]], Result], smiles: Sequence[str], n_jobs: int = 1) -> Iterator[Result]:
    """Apply `function` to consecutive chunks of molecules, in order.

    The chunks, and so the results, are the same for every `n_jobs`. Few molecules are handled in this process.

    Args:
        function: From a chunk to its result; both must be picklable.
        smiles: The molecules.
        n_jobs: Number of processes for many molecules.

    Yields:
        One result per chunk.

    Raises:
        DataError: If a process is killed, for example because memory ran out.
    """
    for _, result in map_tasks(function, chunks_of(smiles), processes_for(len(smiles), n_jobs)):
        yield result


def worker_pool(n_jobs: int, initializer: Callable[..., None] | None = None, *args: Any) -> ProcessPoolExecutor:
    """Return a pool of worker processes, which end when this process does, however it ends.

    Args:
        n_jobs: Number of processes.
        initializer: Called in each process before its first task, with `args`; all must be picklable.
        args: Its arguments.
    """
    # Spawned, not forked: a fork of a process in which torch has threads can hang.
    return ProcessPoolExecutor(n_jobs, multiprocessing.get_context("spawn"), _start_worker, (initializer, args))


def end_workers(pool: ProcessPoolExecutor) -> None:
    """End the processes of a pool at once, whatever they are doing; the programs that they run end with them."""
    # From Python 3.14 on, the pool has a method for this.
    processes = list((pool._processes or {}).values())
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _SECONDS_TO_END
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        # Code that never returns to Python handles no signal.
        process.kill()
    pool.shutdown(cancel_futures=True)


def _start_worker(initializer: Callable[..., None] | None, args: tuple[Any, ...]) -> None:
    # Ctrl-C reaches the workers too; their parent decides what becomes of them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    _have_the_system_end_it()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if initializer is not None:
        initializer(*args)


def _have_the_system_end_it() -> None:
    """Have Linux end this process with its parent, also amid a call of RDKit, which leaves no thread of Python a turn.

    The parent never writes to the pipe that it holds, so that the pipe's signal, by which a process ends, is that of
    the parent's end. A signal at the death of the parent (`prctl`) would come when the thread ends that started this
    process.
    """
    parent = multiprocessing.parent_process()
    if parent is None or sys.platform != "linux":
        return
    import fcntl

    # Not every system that passes for Linux can.
    with suppress(OSError):
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, fcntl.fcntl(parent.sentinel, fcntl.F_GETFL) | os.O_ASYNC)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for_connections([parent.sentinel])
    _end()


def _end(*_: object) -> NoReturn:
    """End a worker process, without a word to the code that it is in the middle of."""
    os._exit(1)
