"""The oracle: an objective under a budget, with a memory and a trace."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd

from molvae.chem.molecules import canonical_smiles
from molvae.chem.quiet import quiet
from molvae.errors import DataError
from molvae.optimize.calls import CallRecord
from molvae.optimize.evaluator import Evaluator
from molvae.optimize.objective import Evaluation, Objective
from molvae.tables import TERM

# Failed calls in a row that end a search which would spend its budget on nothing: at its start, where nothing speaks
# for the objective, and later, where a stretch of molecules may be to blame.
MAX_FIRST_FAILURES = 20
MAX_FAILURES = 50


@dataclass(frozen=True)
class _Call:
    round: int
    origin: str
    evaluation: Evaluation
    seconds: float


class Oracle:
    """Scores molecules, and counts each distinct one against the budget.

    Molecules are identified by canonical SMILES. Invalid SMILES and molecules that were scored before are free. With a
    folder each call is recorded; a later oracle on the same folder knows those calls without computing them, so
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
        patience: int = MAX_FAILURES,
    ) -> None:
        """Begin with the whole budget.

        Args:
            objective: What to score.
            budget: Most calls, at least 1.
            folder: Where to record calls, and where those of a killed run lie; None to keep them in memory only.
            n_jobs: Processes for a slow objective.
            training: Canonical SMILES of the training molecules, to mark them in the trace.
            patience: Failed calls in a row, after one that did not fail, at which to give up.

        Raises:
            DataError: If calls in the folder cannot be read.
        """
        if budget < 1:
            raise ValueError(f"expected a budget of at least 1 call, got {budget}")
        self.objective = objective
        self.budget = budget
        self._evaluator = Evaluator(objective, n_jobs)
        self._training = frozenset(training)
        self._record = CallRecord(objective, folder)
        self._calls: list[_Call] = []
        self._known: dict[str, Evaluation] = {}
        self._failures: list[Evaluation] = []
        self._patience = patience
        self._max_failures = min(MAX_FIRST_FAILURES, patience)
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._evaluator.close(at_once=kind is not None)

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
            N evaluations in the same order, with canonical SMILES. The status of an invalid SMILES is `invalid`; of a
            new molecule for which no call was left, `unscored`.

        Raises:
            DataError: If too many calls in a row have failed.
        """
        with quiet():
            canonical = [canonical_smiles(smiles) for smiles, _ in proposals]
        new: dict[str, str] = {}
        for smiles, (_, origin) in zip(canonical, proposals, strict=True):
            if smiles is not None and smiles not in self._known and len(new) < self.remaining:
                new.setdefault(smiles, origin)
        self._compute(list(new))
        for smiles, origin in new.items():
            recorded = self._record.get(smiles)
            assert recorded is not None
            self._calls.append(_Call(round, origin, *recorded))
            self._known[smiles] = recorded[0]
        return [
            self.objective.without_score(given, "invalid")
            if smiles is None
            else self._known.get(smiles) or self.objective.without_score(smiles, "unscored")
            for smiles, (given, _) in zip(canonical, proposals, strict=True)
        ]

    @property
    def evaluations(self) -> list[Evaluation]:
        """What the calls came to, in order."""
        return [call.evaluation for call in self._calls]

    def trace(self) -> pd.DataFrame:
        """Return a row a call, in order: call, round, origin, smiles, score, feasible, status, in_training, term.*."""
        evaluations = self.evaluations
        table = pd.DataFrame(
            {
                "call": pd.Series(range(1, len(evaluations) + 1), dtype="int64"),
                "round": pd.Series([call.round for call in self._calls], dtype="int64"),
                "origin": pd.Series([call.origin for call in self._calls], dtype="str"),
                "smiles": pd.Series([evaluation.smiles for evaluation in evaluations], dtype="str"),
                "score": pd.Series([evaluation.score for evaluation in evaluations], dtype="float64"),
                "feasible": pd.Series([evaluation.feasible for evaluation in evaluations], dtype="bool"),
                "status": pd.Series([evaluation.status for evaluation in evaluations], dtype="str"),
                "in_training": pd.Series(
                    [evaluation.smiles in self._training for evaluation in evaluations], dtype="bool"
                ),
            }
        )
        for name in self.objective.term_names:
            # An evaluation's values are no table's: PD011 takes them for pandas'.
            table[f"{TERM}{name}"] = pd.Series([e.values[name] for e in evaluations], dtype="float64")  # noqa: PD011
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
        known = [recorded for text in smiles if (recorded := self._record.get(text)) is not None]
        if known:
            # The clock resumes where that of the killed run stopped.
            self._started = time.monotonic() - max(seconds for _, seconds in known)
            self._give_up_after_failures([evaluation for evaluation, _ in known])
        for evaluations in self._evaluator.evaluate([text for text in smiles if self._record.get(text) is None]):
            self._record.add(evaluations, time.monotonic() - self._started)
            self._give_up_after_failures(evaluations)

    def _give_up_after_failures(self, evaluations: Sequence[Evaluation]) -> None:
        """Stop when too many calls in a row have failed, and forget those: the cause is hardly in the molecules.

        A run after it is put right must not find these failures.
        """
        for evaluation in evaluations:
            if evaluation.status == "failed":
                self._failures.append(evaluation)
            else:
                self._failures.clear()
                self._max_failures = self._patience
        n = len(self._failures)
        if n < self._max_failures:
            return
        self._record.forget([evaluation.smiles for evaluation in self._failures])
        which = f"each of the first {n}" if self._max_failures < self._patience else f"each of the last {n}"
        raise DataError(
            f"{self.objective.name}: expected scores, but {which} molecules failed; the last with: "
            f"{self._failures[-1].error}; put it right and run the same command again"
        )
