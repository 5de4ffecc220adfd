"""The oracle: an objective under a budget, with a memory and a trace."""

import math
import multiprocessing
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from molvae.chem.molecules import canonical_smiles
from molvae.chem.quiet import quiet
from molvae.errors import DataError
from molvae.optimize.calls import TERM, CallRecord
from molvae.optimize.objective import Evaluation, Objective
from molvae.parallel import ignore_interrupts

# Molecules that are scored and written down together: what a kill can lose.
CHUNK = 25
# Serial work that is worth starting processes for, which takes a second or two.
SECONDS_FOR_A_POOL = 5.0
# A search whose first calls all failed would spend its budget on nothing.
CALLS_BEFORE_GIVING_UP = 20


@dataclass(frozen=True)
class _Call:
    round: int
    origin: str
    evaluation: Evaluation
    seconds: float


class Oracle:
    """Scores molecules, and counts each distinct one against the budget.

    Molecules are told apart by canonical SMILES. What is no molecule, and what was scored before, is free. With a
    folder each call is written down; a later oracle on the same folder knows those calls without computing them, so
    that a search that is run again with the same seed takes the same course and its trace is the same.

    Use it in a `with` statement: its processes end there.
    """

    def __init__(
        self,
        objective: Objective,
        budget: int,
        folder: Path | None = None,
        n_jobs: int = 1,
        training: Collection[str] = frozenset(),
    ) -> None:
        """Begin with the whole budget.

        Args:
            objective: What to score.
            budget: Most calls, at least 1.
            folder: Where to write calls down, and where those of a killed run lie; None to keep them in memory only.
            n_jobs: Processes for a slow objective.
            training: Canonical SMILES of the training molecules, to mark them in the trace.

        Raises:
            DataError: If calls in the folder cannot be read.
        """
        if budget < 1:
            raise ValueError(f"expected a budget of at least 1 call, got {budget}")
        self.objective = objective
        self.budget = budget
        self._n_jobs = n_jobs
        self._training = frozenset(training)
        self._record = CallRecord(objective, folder)
        self._calls: list[_Call] = []
        self._known: dict[str, Evaluation] = {}
        self._pool: ProcessPoolExecutor | None = None
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes, if there are any."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    @property
    def n_calls(self) -> int:
        """Calls so far."""
        return len(self._calls)

    @property
    def remaining(self) -> int:
        """Calls left."""
        return self.budget - len(self._calls)

    def score(self, proposals: Sequence[tuple[str, str]], round: int) -> list[Evaluation]:  # noqa: A002
        """Score proposed molecules, as far as the budget goes.

        Args:
            proposals: N pairs of a SMILES and the name of what proposed it.
            round: Number of the round, for the trace.

        Returns:
            N evaluations in the same order, with canonical SMILES. The status of what is no molecule is `invalid`; of a
            new molecule for which no call was left, `unscored`.

        Raises:
            DataError: If the first calls of the run all failed.
        """
        with quiet():
            canonical = [canonical_smiles(smiles) for smiles, _ in proposals]
        new: dict[str, str] = {}
        for smiles, (_, origin) in zip(canonical, proposals, strict=True):
            if smiles is not None and smiles not in self._known and len(new) < self.remaining:
                new.setdefault(smiles, origin)
        self._compute(list(new))
        for smiles, origin in new.items():
            found = self._record.get(smiles)
            assert found is not None
            self._calls.append(_Call(round, origin, *found))
            self._known[smiles] = found[0]
        self._give_up_if_all_failed()
        return [
            self.objective.without_score(given, "invalid")
            if smiles is None
            else self._known.get(smiles) or self.objective.without_score(smiles, "unscored")
            for smiles, (given, _) in zip(canonical, proposals, strict=True)
        ]

    def trace(self) -> pd.DataFrame:
        """Return a row a call, in order: call, round, origin, smiles, score, feasible, status, in_training, term.*."""
        evaluations = [call.evaluation for call in self._calls]
        table = pd.DataFrame(
            {
                "call": pd.Series(range(1, len(evaluations) + 1), dtype="int64"),
                "round": pd.Series([call.round for call in self._calls], dtype="int64"),
                "origin": pd.Series([call.origin for call in self._calls], dtype="str"),
                "smiles": pd.Series([each.smiles for each in evaluations], dtype="str"),
                "score": pd.Series([each.score for each in evaluations], dtype="float64"),
                "feasible": pd.Series([each.feasible for each in evaluations], dtype="bool"),
                "status": pd.Series([each.status for each in evaluations], dtype="str"),
                "in_training": pd.Series([each.smiles in self._training for each in evaluations], dtype="bool"),
            }
        )
        for name in self.objective.term_names:
            # An evaluation's values are no table's: PD011 takes them for pandas'.
            table[f"{TERM}{name}"] = pd.Series([each.values[name] for each in evaluations], dtype="float64")  # noqa: PD011
        return table

    def times(self) -> pd.DataFrame:
        """Return a row a call: call, and seconds from the start of the search to its score."""
        return pd.DataFrame(
            {
                "call": pd.Series(range(1, len(self._calls) + 1), dtype="int64"),
                "seconds": pd.Series([call.seconds for call in self._calls], dtype="float64"),
            }
        )

    def _compute(self, smiles: Sequence[str]) -> None:
        """Bring into the record what it does not have."""
        known = [found for each in smiles if (found := self._record.get(each)) is not None]
        if known:
            # The clock goes on where that of the killed run stood.
            self._started = time.monotonic() - max(seconds for _, seconds in known)
        for evaluations in self._evaluated([each for each in smiles if self._record.get(each) is None]):
            self._record.add(evaluations, time.monotonic() - self._started)

    def _evaluated(self, smiles: Sequence[str]) -> Iterator[list[Evaluation]]:
        """Yield the evaluations chunk by chunk, in order; in processes once it shows that the rest will take long."""
        done, size = 0, 1
        seconds_each = 0.0
        while done < len(smiles):
            if (len(smiles) - done) * seconds_each > SECONDS_FOR_A_POOL and self._n_jobs > 1:
                yield from self._in_processes(smiles[done:])
                return
            begin = time.monotonic()
            evaluations = self.objective.evaluate_batch(smiles[done : done + size])
            yield evaluations
            # The very first molecule also pays for what is loaded on first use, so it says nothing about the others.
            seconds_each = (time.monotonic() - begin) / len(evaluations) if done else 0.0
            done += size
            size = min(4 * size, CHUNK)

    def _in_processes(self, smiles: Sequence[str]) -> Iterator[list[Evaluation]]:
        size = min(CHUNK, math.ceil(len(smiles) / (2 * self._n_jobs)))
        chunks = [smiles[start : start + size] for start in range(0, len(smiles), size)]
        done = 0
        try:
            for evaluations in self._processes().map(_evaluate, chunks):
                yield evaluations
                done += 1
        except BrokenProcessPool:
            self.close()
            for chunk in chunks[done:]:
                yield [self._alone(each) for each in chunk]

    def _alone(self, smiles: str) -> Evaluation:
        """Score one molecule after a process has died, perhaps of it."""
        try:
            return self._processes().submit(_evaluate, [smiles]).result()[0]
        except BrokenProcessPool:
            self.close()
            return self.objective.without_score(smiles, "failed", "the process that scored it died")

    def _processes(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Spawned, not forked: a fork of a process in which torch has threads can hang.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._n_jobs, context, _take_objective, (self.objective,))
        return self._pool

    def _give_up_if_all_failed(self) -> None:
        evaluations = [call.evaluation for call in self._calls]
        if len(evaluations) >= CALLS_BEFORE_GIVING_UP and all(each.status == "failed" for each in evaluations):
            # The cause is hardly in the molecules, so a run after it is put right must not find these failures.
            self._record.forget()
            raise DataError(
                f"{self.objective.name}: expected scores, but each of the first {len(evaluations)} molecules failed; "
                f"the last with: {evaluations[-1].error}"
            )


_objective: Objective | None = None


def _take_objective(objective: Objective) -> None:
    """Give a new process its objective, once."""
    global _objective
    ignore_interrupts()
    _objective = objective


def _evaluate(smiles: Sequence[str]) -> list[Evaluation]:
    assert _objective is not None
    return _objective.evaluate_batch(smiles)
