"""Logging and progress: a bar on a terminal, plain lines in a log."""

import logging
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger("molvae")

SECONDS_BETWEEN_LINES = 60.0


def set_up_logging() -> None:
    """Send molvae's messages to stderr, with the time where it is not a terminal."""
    style = "%(message)s" if sys.stderr.isatty() else "%(asctime)s %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=style, datefmt="%H:%M:%S")
    logger.setLevel(logging.INFO)


@contextmanager
def progress(what: str, total: int, done: int = 0) -> Iterator[Callable[[int], None]]:
    """Show the progress of long work.

    Args:
        what: Name of the work.
        total: Number of items.
        done: Number of items done before, in a resumed run.

    Yields:
        A function to call with the number of items newly done.
    """
    if not logger.isEnabledFor(logging.INFO):
        yield lambda _: None
        return
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=total, completed=done)
            yield lambda n: bar.advance(task, n)
        return
    start = last = time.monotonic()
    before = done

    def advance(n: int) -> None:
        nonlocal done, last
        done += n
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            last = now
            rate = (done - before) / (now - start)
            left = (total - done) / rate if rate else float("inf")
            logger.info("%s: %d of %d, %.0f/s, %.0f s left", what, done, total, rate, left)

    yield advance


def duration(seconds: float) -> str:
    """Return a rough duration as people say it: `35 s`, `12 min`, `3 h`."""
    if seconds < 90:
        return f"{5 * max(1, math.ceil(seconds / 5 - 0.5))} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
