"""Evaluates molecules by an objective: in this process, or in worker processes where that is faster or safer."""

import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Self

from molvae.errors import ObjectiveError
from molvae.log import logger
from molvae.optimize.dask_evaluator import DaskEvaluator
from molvae.optimize.objective import Evaluation, Objective
from molvae.optimize.quantities.base import Failure, try_each
from molvae.parallel import end_workers, worker_pool

EvaluateBatch = Callable[..., list[Evaluation]]

# Molecules that are evaluated together: what a kill can lose.
CHUNK = 25
# Serial work that is worth starting processes for, which takes a second or two.
SECONDS_FOR_A_POOL = 5.0
# Work that a kill may lose where molecules are slow.
SECONDS_AT_RISK = 30.0
# Chunks per process that are under way.
_AHEAD = 2
# How many times as long as usual some molecules may take together before one of them is taken to hang.
_SLOW_FOR_ONCE = 10.0


class _LostError(Exception):
    """A worker process died, or was ended; the message says why."""


class Evaluator:
    """Evaluates molecules chunk by chunk.

    An objective with a user's Python function is evaluated in worker processes, so that a molecule on which the code
    ends its process fails alone: in one, until there is so much to do that several are faster. Use it in a `with`
    statement: the processes end there, after an error at once, whatever they are doing.
    """

    def __init__(
        self, objective: Objective, n_jobs: int = 1, *, feasible_only: bool = False, scheduler: str | None = None
    ) -> None:
        """Start nothing yet.

        Args:
            objective: What to evaluate by.
            n_jobs: Processes for a slow objective.
            feasible_only: As in `Objective.evaluate_batch`.
            scheduler: Address of a dask scheduler whose workers take the place of processes here.
        """
        self._objective = objective
        self._dask = None if scheduler is None else DaskEvaluator(objective, scheduler, feasible_only=feasible_only)
        evaluate: EvaluateBatch = objective.evaluate_batch
        self._evaluate = partial(evaluate, feasible_only=True) if feasible_only else evaluate
        self._n_jobs = n_jobs
        self._pool: ProcessPoolExecutor | None = None
        self._pool_size = 0
        self._announced = False
        self._seconds_each: float | None = None
        # Of the last chunk: how many molecules, and the seconds for all of them.
        self._last_chunk = (0, 0.0)
        self._slow_chunk = sys.maxsize

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(at_once=kind is not None)

    def close(self, *, at_once: bool = False) -> None:
        """End the processes, if there are any.

        Args:
            at_once: Do not wait for what they are doing.
        """
        if self._dask is not None:
            self._dask.close()
        if self._pool is not None:
            if at_once:
                end_workers(self._pool)
            else:
                self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def evaluate(self, smiles: Sequence[str], max_chunk: int = CHUNK) -> Iterator[list[Evaluation]]:
        """Evaluate molecules.

        The first chunks are small, so that an objective that cannot work shows it early.

        Args:
            smiles: N SMILES.
            max_chunk: Most molecules that are evaluated together.

        Yields:
            The evaluations of consecutive chunks; those of dask workers as they are done.

        Raises:
            ObjectiveError: If a user's module cannot be imported, or no worker process can be started.
            DataError: If there is no dask scheduler at the address.
        """
        if not smiles:
            return
        self._announce_own_code()
        if self._dask is not None:
            yield from self._dask.evaluate(smiles)
            return
        n_done, size = 0, 1
        while n_done < len(smiles):
            max_chunk = min(max_chunk, self._slow_chunk)
            size = min(size, max_chunk)
            if self._n_jobs > 1 and (len(smiles) - n_done) * (self._seconds_each or 0.0) > SECONDS_FOR_A_POOL:
                yield from self._in_processes(smiles[n_done:], size, max_chunk, self._n_jobs)
                return
            chunk = smiles[n_done : n_done + size]
            begin = time.monotonic()
            if self._objective.isolated:
                yield from self._in_processes(chunk, size, size, 1)
            else:
                yield self._evaluate(chunk)
            # The very first molecule also pays for what is loaded on first use, so it says nothing about the others.
            is_first = self._seconds_each is None
            seconds = time.monotonic() - begin
            self._seconds_each = 0.0 if is_first else seconds / len(chunk)
            self._limit_slow_chunks(len(chunk), seconds)
            n_done += size
            size *= 4

    def _announce_own_code(self) -> None:
        """Say on the terminal, once and before the first molecule, what code of the user's is run."""
        if not self._announced and (own_code := self._objective.own_code()):
            logger.info("%s: runs your own code in %s: %s", self._objective.name, self._objective.folder, own_code)
        self._announced = True

    def _limit_slow_chunks(self, n: int, seconds: float) -> None:
        """Keep chunks of slow molecules small, since a kill loses what is under way, but not for a slow start alone.

        Args:
            n: Molecules of a chunk that is done.
            seconds: Time for all of them.
        """
        n_last, seconds_last = self._last_chunk
        if n > n_last > 0 and seconds > seconds_last:
            each = (seconds - seconds_last) / (n - n_last)
            start = seconds - n * each
            self._slow_chunk = max(1, int(max(SECONDS_AT_RISK, start) / each))
        self._last_chunk = (n, seconds)

    def _in_processes(
        self, smiles: Sequence[str], size: int, max_chunk: int, n_workers: int
    ) -> Iterator[list[Evaluation]]:
        largest = max(1, min(max_chunk, math.ceil(len(smiles) / (_AHEAD * n_workers))) if n_workers > 1 else max_chunk)
        chunks = _growing(smiles, size, largest)
        under_way: deque[tuple[Sequence[str], Future[list[Evaluation]]]] = deque()
        try:
            while True:
                for chunk in islice(chunks, _AHEAD * n_workers - len(under_way)):
                    under_way.append((chunk, self._submit(chunk, n_workers)))
                if not under_way:
                    return
                chunk, future = under_way.popleft()
                try:
                    evaluations = self._result(future, len(chunk))
                except _LostError:
                    # Which of the chunks under way it died of is not known: this one is looked at molecule by molecule,
                    # and the later ones that are not done begin again.
                    evaluations = self._each_alone(chunk, n_workers)
                    under_way = deque(
                        (later, old if _has_result(old) else self._submit(later, n_workers)) for later, old in under_way
                    )
                yield evaluations
        finally:
            for _, future in under_way:
                future.cancel()

    def _each_alone(self, chunk: Sequence[str], n_workers: int) -> list[Evaluation]:
        """Evaluate molecules one by one after a process has died or hung, perhaps of one of them."""

        def attempt(smiles: str) -> Evaluation | Failure:
            try:
                return self._result(self._submit([smiles], n_workers), 1)[0]
            except _LostError as error:
                return Failure(str(error))

        return [
            self._objective.without_score(smiles, "failed", outcome.reason) if isinstance(outcome, Failure) else outcome
            for smiles, outcome in zip(chunk, try_each(chunk, attempt), strict=True)
        ]

    def _result(self, future: Future[list[Evaluation]], n_molecules: int) -> list[Evaluation]:
        """Wait for what a process makes of some molecules.

        Raises:
            _LostError: If it died or took too long; all processes have been ended then.
        """
        limit = self._objective.timeout_s if self._objective.isolated else None
        try:
            return future.result(None if limit is None else self._longest_wait(limit, n_molecules))
        except BrokenProcessPool as error:
            self.close()
            raise _LostError("the process that scored it died") from error
        except TimeoutError as error:
            self.close(at_once=True)
            raise _LostError(f"no answer within {limit:g} s") from error

    def _longest_wait(self, limit: float, n_molecules: int) -> float:
        """Return after how many seconds one of some molecules, which have this limit each, is taken to hang."""
        if n_molecules == 1:
            return limit
        # Several molecules may be tried twice, together and one by one.
        most = limit * n_molecules * 2
        if not self._seconds_each:
            return most
        # Of many that are quick, one that hangs is found long before the limits of all are over. If they only were slow
        # for once, they are tried one by one, each with its whole limit.
        return min(most, limit + _SLOW_FOR_ONCE * n_molecules * self._seconds_each)

    def _submit(self, chunk: Sequence[str], n_workers: int) -> Future[list[Evaluation]]:
        try:
            return self._pool_of(n_workers).submit(_evaluate, chunk)
        except BrokenProcessPool as error:
            broken: Future[list[Evaluation]] = Future()
            broken.set_exception(error)
            return broken

    def _pool_of(self, n_workers: int) -> ProcessPoolExecutor:
        """Return a pool of at least so many worker processes that is known to start."""
        if self._pool is not None and self._pool_size < n_workers:
            self.close()
        if self._pool is None:
            self._pool = worker_pool(n_workers, _take_function, self._evaluate)
            self._pool_size = n_workers
            try:
                self._pool.submit(_nothing).result()
            except BrokenProcessPool as error:
                raise ObjectiveError(
                    f"{self._objective.name}: expected a process that can evaluate it, found that it ended at its "
                    "start; in a script of your own, put what runs molvae under if __name__ == '__main__':"
                ) from error
        return self._pool


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


def _has_result(future: Future[list[Evaluation]]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


_function: EvaluateBatch | None = None


def _take_function(function: EvaluateBatch) -> None:
    """Give a new process what it evaluates molecules by, once."""
    global _function
    _function = function


def _nothing() -> None:
    """Show that a process has started."""


def _evaluate(smiles: Sequence[str]) -> list[Evaluation]:
    assert _function is not None
    return _function(smiles)
