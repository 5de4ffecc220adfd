"""Evaluates molecules by an objective: in this process, or in worker processes where that is faster or safer."""

import math
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Self

from molvae.log import logger
from molvae.optimize.objective import Evaluation, Objective
from molvae.parallel import ignore_interrupts

EvaluateBatch = Callable[..., list[Evaluation]]

# Molecules that are evaluated together: what a kill can lose.
CHUNK = 25
# Serial work that is worth starting processes for, which takes a second or two.
SECONDS_FOR_A_POOL = 5.0
# Chunks per process that are under way.
_AHEAD = 2


class Evaluator:
    """Evaluates molecules chunk by chunk.

    An objective with a user's Python function is evaluated in worker processes, so that a molecule on which the code
    ends its process fails alone. Use it in a `with` statement: the processes end there.
    """

    def __init__(self, objective: Objective, n_jobs: int = 1, *, feasible_only: bool = False) -> None:
        """Start nothing yet.

        Args:
            objective: What to evaluate by.
            n_jobs: Processes for a slow objective.
            feasible_only: As in `Objective.evaluate_batch`.
        """
        self._objective = objective
        evaluate: EvaluateBatch = objective.evaluate_batch
        self._evaluate = partial(evaluate, feasible_only=True) if feasible_only else evaluate
        self._n_jobs = n_jobs
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes, if there are any."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def evaluate(self, smiles: Sequence[str], max_chunk: int = CHUNK) -> Iterator[list[Evaluation]]:
        """Evaluate molecules, in order.

        The first chunks are small, so that an objective that cannot work shows it early.

        Args:
            smiles: N SMILES.
            max_chunk: Most molecules that are evaluated together.

        Yields:
            The evaluations of consecutive chunks.

        Raises:
            ObjectiveError: If a user's module cannot be imported.
        """
        n_done, size = 0, 1
        seconds_each = 0.0
        while n_done < len(smiles):
            slow = self._n_jobs > 1 and (len(smiles) - n_done) * seconds_each > SECONDS_FOR_A_POOL
            if slow or self._objective.isolated:
                yield from self._in_processes(smiles[n_done:], size, max_chunk)
                return
            begin = time.monotonic()
            evaluations = self._evaluate(smiles[n_done : n_done + size])
            yield evaluations
            # The very first molecule also pays for what is loaded on first use, so it says nothing about the others.
            seconds_each = (time.monotonic() - begin) / len(evaluations) if n_done else 0.0
            n_done += size
            size = min(4 * size, max_chunk)

    def _in_processes(self, smiles: Sequence[str], size: int, max_chunk: int) -> Iterator[list[Evaluation]]:
        largest = max(1, min(max_chunk, math.ceil(len(smiles) / (_AHEAD * self._n_jobs))))
        chunks = deque(_growing(smiles, size, largest))
        under_way: deque[tuple[Sequence[str], Future[list[Evaluation]]]] = deque()
        try:
            while chunks or under_way:
                while chunks and len(under_way) < _AHEAD * self._n_jobs:
                    chunk = chunks.popleft()
                    under_way.append((chunk, self._submit(chunk)))
                chunk, future = under_way.popleft()
                try:
                    yield future.result()
                except BrokenProcessPool:
                    # Which of the chunks under way it died of is not known: this one is looked at molecule by molecule,
                    # the later ones begin again.
                    chunks.extendleft(reversed([later for later, _ in under_way]))
                    under_way.clear()
                    self.close()
                    yield [self._alone(text) for text in chunk]
        finally:
            for _, future in under_way:
                future.cancel()

    def _alone(self, smiles: str) -> Evaluation:
        """Evaluate one molecule after a process has died, perhaps of it."""
        try:
            return self._submit([smiles]).result()[0]
        except BrokenProcessPool:
            self.close()
            return self._objective.without_score(smiles, "failed", "the process that scored it died")

    def _submit(self, chunk: Sequence[str]) -> Future[list[Evaluation]]:
        if self._pool is None:
            # Spawned, not forked: a fork of a process in which torch has threads can hang.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._n_jobs, context, _take_function, (self._evaluate,))
        try:
            return self._pool.submit(_evaluate, chunk)
        except BrokenProcessPool as error:
            broken: Future[list[Evaluation]] = Future()
            broken.set_exception(error)
            return broken


def warn_of_failures(name: str, evaluations: Sequence[Evaluation]) -> None:
    """Say on the terminal how many molecules an objective called `name` failed on, and why the last one did."""
    failures = [evaluation for evaluation in evaluations if evaluation.status == "failed"]
    if failures:
        last = failures[-1]
        logger.warning(
            "%s: %d of %d molecules failed; the last, %s, with: %s",
            name,
            len(failures),
            len(evaluations),
            last.smiles,
            last.error,
        )


def _growing(smiles: Sequence[str], size: int, largest: int) -> Iterator[Sequence[str]]:
    """Cut molecules into chunks of `size` and more, up to `largest`."""
    n_done = 0
    while n_done < len(smiles):
        yield smiles[n_done : n_done + min(size, largest)]
        n_done += min(size, largest)
        size *= 4


_function: EvaluateBatch | None = None


def _take_function(function: EvaluateBatch) -> None:
    """Give a new process what it evaluates molecules by, once."""
    global _function
    ignore_interrupts()
    _function = function


def _evaluate(smiles: Sequence[str]) -> list[Evaluation]:
    assert _function is not None
    return _function(smiles)
