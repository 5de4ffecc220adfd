"""Apply a function item by item with a time limit, and survive items that hang or crash.

The chemistry libraries are fast on almost every molecule. On a few they take hours, and on a very few they bring the
process down. Neither can be stopped from Python, whose signal handlers wait for the C++ code to return; so the work is
done in a child process that the operating system ends when an item takes too long.

The child is forked, although everywhere else molvae spawns processes (see `molvae.parallel`), because a fork shares the
imported libraries and the function's arguments. For 2,000 ordinary molecules that take 1.43 s to convert, forks in
chunks of 500 add 0.05 s. A spawned pool with a time limit per task adds 0.7 s and 0.6 s to start, since each molecule
is then a message of its own, and a child of a fork server adds 0.3 s; both also double the number of processes, each
with libraries of its own in memory.

A fork copies the calling thread only. A lock that another thread holds at that moment is never released in the child,
which hangs when it asks for it. That is why these rules hold here:

- The child runs nothing but `function`, which may use RDKit, selfies and NumPy, but not torch, an OpenMP loop, pyarrow,
  logging or output. (Logging, imports and the interpreter's own locks are reset in the child by CPython, the
  allocator's by the C library, and OpenBLAS stops its threads before a fork.)
- No other thread of molvae calls RDKit or selfies, so that none can hold a lock of theirs. The threads that there may
  be belong to torch, NumPy and the progress bar.
- The child ends by `os._exit`: no exit handlers, no flushing of buffers that it shares with the parent, and no
  destructors of libraries that have lost their threads.
- The kernel's alarm is set before each item. So a child that waits for a lock in spite of all this ends like any item
  that takes too long: the item is rejected as too slow, and the run continues.
"""

import mmap
import os
import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Any, NamedTuple, NoReturn, TypeVar

TIME_LIMIT_S = 5.0
"""Seconds for a molecule that is not ordinary (`chem.molecules.is_ordinary`), where the settings give no limit; an
ordinary one takes some thousandths."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Outcome(Enum):
    """Why an item has no result."""

    TOO_SLOW = "too slow"
    CRASHED = "crashed"


def map_within(function: Callable[[Item], Result], items: Sequence[Item], seconds: float) -> list[Result | Outcome]:
    """Apply a function to each item, and give up on items that exceed the time limit or crash the process.

    Args:
        function: From an item to a picklable result; see above for what it may use.
        items: The items, some hundreds at a time: a process is forked for them.
        seconds: Time limit for an item, on the wall clock.

    Returns:
        A result for each item, in order, or why it has none. Where processes cannot be forked (Windows), there is no
        time limit.
    """
    if not hasattr(os, "fork"):
        return [function(item) for item in items]
    results: list[Result | Outcome] = []
    while len(results) < len(items):
        completed, failure = _in_child(function, items[len(results) :], seconds)
        results += completed
        if failure is not None:
            # The results of the items before this one are lost with the process, and quickly computed again.
            results += map_within(function, items[len(results) : len(results) + failure.position], seconds)
            item = items[len(results)]
            results.append(_retry(function, item, seconds) if failure.may_be_chance else failure.why)
    return results


class _Failure(NamedTuple):
    """The item at which a child ended, why, and whether the item may not be the reason."""

    position: int
    why: Outcome
    may_be_chance: bool


def _retry(function: Callable[[Item], Result], item: Item, seconds: float) -> Result | Outcome:
    """Retry an item: a machine that is short of memory kills processes at random, and a job may have been suspended."""
    completed, failure = _in_child(function, [item], seconds)
    return completed[0] if failure is None else failure.why


def _in_child(
    function: Callable[[Item], Result], items: Sequence[Item], seconds: float
) -> tuple[list[Result], _Failure | None]:
    """Return the results, or the item at which the child ended."""
    if not items:
        return [], None
    position = mmap.mmap(-1, 8)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _work(function, items, seconds, position, writing)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as pipe:
            content = pipe.read()
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    _, status, used = os.wait4(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        # Ctrl-C also reaches the child, and is not the fault of the item.
        if number in (signal.SIGINT, signal.SIGTERM):
            raise KeyboardInterrupt
        is_slow = number == signal.SIGALRM
        # What is slow has been at work.
        has_worked = used.ru_utime + used.ru_stime > seconds / 2.0
        why = Outcome.TOO_SLOW if is_slow else Outcome.CRASHED
        return [], _Failure(int.from_bytes(position[:], "little"), why, not (is_slow and has_worked))
    results: list[Result] | Exception = pickle.loads(content)
    if isinstance(results, Exception):
        raise results
    return results, None


def _work(
    function: Callable[[Any], Any], items: Sequence[Any], seconds: float, position: mmap.mmap, writing: int
) -> NoReturn:
    """Run the child; whatever happens, end without running any code of the parent."""
    status = 1
    try:
        # By default they end the process, even inside a library.
        for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        outcome: list[Any] | Exception
        try:
            outcome = [function(item) for item in _timed(items, seconds, position)]
        except Exception as error:  # noqa: BLE001 - raised again in the parent
            outcome = error
        signal.setitimer(signal.ITIMER_REAL, 0)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(outcome, pipe, pickle.HIGHEST_PROTOCOL)
        status = 0
    finally:
        os._exit(status)


def _timed(items: Sequence[Any], seconds: float, position: mmap.mmap) -> Iterator[Any]:
    """Yield the items; before each, reset the alarm and record the position."""
    for number, item in enumerate(items):
        position[:] = number.to_bytes(8, "little")
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield item
