"""Work through a stream in chunks on several processes, with the results in order and little in memory."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from molvae.errors import DataError

T = TypeVar("T")
R = TypeVar("R")

CHUNK_SIZE = 500
SMALLEST_FOR_POOL = 2000
# Chunks under way for each process: enough that none waits, few enough that a long stream is not held in memory.
_AHEAD = 4


def map_chunks(
    function: Callable[[list[T]], R], items: Iterable[T], *, n_items: int, n_jobs: int
) -> Iterator[tuple[list[T], R]]:
    """Yield each chunk of a stream with what the function makes of it, in the order of the stream.

    Args:
        function: What to do with a chunk; for several processes, something that pickles.
        items: The stream; it is read only a little ahead of the results.
        n_items: How many items it has: for few, starting processes costs more than it gains.
        n_jobs: Processes to use, at least 1. The results do not depend on it.

    Raises:
        DataError: If a process is killed, as for want of memory.
    """
    chunks = _chunks(items)
    if n_jobs == 1 or n_items < SMALLEST_FOR_POOL:
        for chunk in chunks:
            yield chunk, function(chunk)
        return
    # Spawned rather than forked: a fork copies whatever locks the libraries' threads hold at that moment.
    pool = ProcessPoolExecutor(n_jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        waiting: deque[tuple[list[T], Future[R]]] = deque()
        for chunk in chunks:
            waiting.append((chunk, pool.submit(function, chunk)))
            if len(waiting) >= n_jobs * _AHEAD:
                first, result = waiting.popleft()
                yield first, result.result()
        for first, result in waiting:
            yield first, result.result()
    except BrokenProcessPool as error:
        raise DataError(
            "expected every worker process to finish, found one killed; the memory may be too small for "
            f"{n_jobs} processes: use fewer (--threads)"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    stream = iter(items)
    while chunk := list(islice(stream, CHUNK_SIZE)):
        yield chunk
