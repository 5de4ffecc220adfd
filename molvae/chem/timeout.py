"""Do work that may hang or crash, item by item, and survive it.

The chemistry libraries are fast on almost every molecule. On a few they take hours, and on a very few they bring the
process down. Neither can be stopped from Python, whose signal handlers wait for the library to return; so the work is
done in a forked process that the operating system ends when an item takes too long.
"""

import mmap
import os
import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Any, NoReturn, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Outcome(Enum):
    """Why there is no result for an item."""

    TOO_SLOW = "too slow"
    CRASHED = "crashed"


def map_within(function: Callable[[Item], Result], items: Sequence[Item], seconds: float) -> list[Result | Outcome]:
    """Apply a function to each item, and give up on the items that take too long or bring the process down.

    Args:
        function: From an item to a picklable result.
        items: The items, some hundreds at a time: a process is forked for them.
        seconds: Most time for an item, on the wall clock.

    Returns:
        A result for each item, in order, or why there is none. Where processes cannot be forked (Windows), items
        take the time they take.
    """
    if not hasattr(os, "fork"):
        return [function(item) for item in items]
    done: list[Result | Outcome] = []
    while len(done) < len(items):
        found, ended = _in_child(function, items[len(done) :], seconds)
        done += found
        if ended is not None:
            # What came before the item that ended it is lost with the process, and quickly done again.
            at, why = ended
            done += map_within(function, items[len(done) : len(done) + at], seconds)
            done.append(_again(function, items[len(done)], seconds) if why is Outcome.CRASHED else why)
    return done


def _again(function: Callable[[Item], Result], item: Item, seconds: float) -> Result | Outcome:
    """Give an item that crashed a second chance: a machine short of memory ends processes that have no fault."""
    found, ended = _in_child(function, [item], seconds)
    return found[0] if ended is None else ended[1]


def _in_child(
    function: Callable[[Item], Result], items: Sequence[Item], seconds: float
) -> tuple[list[Result], tuple[int, Outcome] | None]:
    """Return the results, or at which item the child ended, and why."""
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
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        # Ctrl-C reaches the child too, and is no fault of the item's.
        if number in (signal.SIGINT, signal.SIGTERM):
            raise KeyboardInterrupt
        why = Outcome.TOO_SLOW if number == signal.SIGALRM else Outcome.CRASHED
        return [], (int.from_bytes(position[:], "little"), why)
    results: list[Result] | Exception = pickle.loads(content)
    if isinstance(results, Exception):
        raise results
    return results, None


def _work(
    function: Callable[[Any], Any], items: Sequence[Any], seconds: float, position: mmap.mmap, writing: int
) -> NoReturn:
    """Be the child: whatever happens, end without running anything of the parent's."""
    status = 1
    try:
        # Their default is to end the process, whatever library it is in.
        for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        outcome: list[Any] | Exception
        try:
            outcome = [function(item) for item in _timed(items, seconds, position)]
        except Exception as error:  # noqa: BLE001 - it is the parent's to judge
            outcome = error
        signal.setitimer(signal.ITIMER_REAL, 0)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(outcome, pipe, pickle.HIGHEST_PROTOCOL)
        status = 0
    finally:
        os._exit(status)


def _timed(items: Sequence[Any], seconds: float, position: mmap.mmap) -> Iterator[Any]:
    """Yield the items, with the clock set anew and the position noted before each."""
    for number, item in enumerate(items):
        position[:] = number.to_bytes(8, "little")
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield item
