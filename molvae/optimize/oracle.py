"""The oracle: an objective under a budget, with a memory and a trace."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd

from molvae.chem.molecules import canonical_smiles
from molvae.chem.quiet import quiet
from molvae.errors import DataError
from molvae.optimize.calls import Call, CallRecord
from molvae.optimize.evaluator import Evaluator
from molvae.optimize.objective import Evaluation, Objective
from molvae.optimize.score_cache import ScoreCache
from molvae.tables import CONSTRAINT, TERM

# Failed calls in a row that end a search which would spend its budget on nothing: at its start, where nothing speaks
# for the objective, and later, where a stretch of molecules may be to blame.
MAX_FIRST_FAILURES = 20
MAX_FAILURES = 50


class Oracle:
    """Scores molecules, and counts each distinct one against the budget.

    Molecules are identified by canonical SMILES. Invalid SMILES and molecules that were scored before are free. With a
    folder each call is recorded; a later oracle on the same folder knows those calls without computing them, so
    that a search that is run again with the same seed takes the same course and its trace is the same. In a search that
    takes another course they count as well, see `recall`.

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
        cache: Path | None = None,
        scheduler: str | None = None,
    ) -> None:
        """Begin with the whole budget.

        Args:
            objective: What to score.
            budget: Most calls, at least 1.
            folder: Where to record calls, and where those of a killed run lie; None to keep them in memory only.
            n_jobs: Processes for a slow objective.
            training: Canonical SMILES of the training molecules, and of what else is nothing new, to mark them in the
                trace.
            patience: Failed calls in a row, after one that did not fail, at which to give up.
            cache: File of scores to share with other searches; see `ScoreCache`.
            scheduler: Address of a dask scheduler whose workers evaluate the molecules instead of processes here.

        Raises:
            DataError: If calls in the folder, or the cache, cannot be read.
        """
        if budget < 1:
            raise ValueError(f"expected a budget of at least 1 call, got {budget}")
        self.objective = objective
        self.budget = budget
        self._evaluator = Evaluator(objective, n_jobs, scheduler=scheduler)
        self._training = frozenset(training)
        self._record = CallRecord(objective, folder)
        self._cache = None if cache is None else ScoreCache(cache, objective)
        if self._cache is not None and self._record.of_these_files:
            # Of a run without the cache, or one that was killed in between.
            self._cache.add([call.evaluation for call in self._record])
        self._calls: dict[str, Call] = {}
        self._failures: list[Evaluation] = []
        self._patience = patience
        self._max_failures = min(MAX_FIRST_FAILURES, patience)
        # The clock resumes where that of a killed run stopped.
        self._started = time.monotonic() - max((call.seconds for call in self._record), default=0.0)

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
        return max(0, self.budget - len(self._calls))

    @property
    def n_rounds(self) -> int:
        """Rounds so far, those of the recorded calls that count included."""
        return 1 + max((call.round for call in self._calls.values()), default=-1)

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
        canonical = _canonical(proposals)
        new: dict[str, str] = {}
        for smiles, (_, origin) in zip(canonical, proposals, strict=True):
            if smiles is not None and smiles not in self._calls and len(new) < self.remaining:
                new.setdefault(smiles, origin)
        self._compute(new, round)
        self._count(new)
        return [
            self.objective.without_score(given, "invalid")
            if smiles is None
            else self._calls[smiles].evaluation
            if smiles in self._calls
            else self.objective.without_score(smiles, "unscored")
            for smiles, (given, _) in zip(canonical, proposals, strict=True)
        ]

    def recall(self, proposals: Sequence[tuple[str, str]], round: int) -> list[Evaluation]:  # noqa: A002
        """Compare a search that was run again with its record, before its proposals of a round are scored.

        While it takes the same course, recorded calls are told in their own round, as if they were made there. If it
        takes another one, all of them that are left count from here on.

        Args:
            proposals: What the search proposes, as for `score`.
            round: Number of the round.

        Returns:
            What the recorded calls that count now came to, in order, to be told to the strategy; mostly none.
        """
        left = self._left()
        proposed = set(_canonical(proposals)) if left else set()
        same_course = all(call.round > round or call.evaluation.smiles in proposed for call in left)
        return [] if same_course else self.recall_all()

    def recall_all(self) -> list[Evaluation]:
        """Let all recorded calls count that do not yet; return what they came to, in order."""
        left = [call.evaluation for call in self._left()]
        self._count(evaluation.smiles for evaluation in left)
        return left

    def require_scores(self) -> None:
        """See that a molecule could be scored; if none could, their failures are forgotten as in `score`.

        Raises:
            DataError: If there is no score.
        """
        evaluations = self.evaluations
        if all(evaluation.status == "failed" for evaluation in evaluations):
            self._record.forget([evaluation.smiles for evaluation in evaluations])
            if not evaluations:
                raise DataError(
                    f"{self.objective.name}: expected a search that proposes molecules, found none that is valid; "
                    "see that the model samples molecules, and what the core and the lead are"
                )
            raise DataError(
                f"{self.objective.name}: expected a molecule that can be scored, found none in {self.n_calls} calls; "
                f"the last failed with: {evaluations[-1].error}; put it right and run the same command again"
            )

    @property
    def earlier_software(self) -> list[dict[str, str]]:
        """What made recorded calls of this search before, where it was another version of molvae."""
        return self._record.earlier_software

    @property
    def evaluations(self) -> list[Evaluation]:
        """What the calls came to, in order."""
        return [call.evaluation for call in self._calls.values()]

    def trace(self) -> pd.DataFrame:
        """Return a row a call, in order; see `molvae.tables.TRACE`."""
        calls = list(self._calls.values())
        evaluations = self.evaluations
        table = pd.DataFrame(
            {
                "call": pd.Series(range(1, len(calls) + 1), dtype="int64"),
                "round": pd.Series([call.round for call in calls], dtype="int64"),
                "origin": pd.Series([call.origin for call in calls], dtype="str"),
                "smiles": pd.Series([evaluation.smiles for evaluation in evaluations], dtype="str"),
                "score": pd.Series([evaluation.score for evaluation in evaluations], dtype="float64"),
                "feasible": pd.Series([evaluation.feasible for evaluation in evaluations], dtype="bool"),
                "status": pd.Series([evaluation.status for evaluation in evaluations], dtype="str"),
                "in_training": pd.Series(
                    [evaluation.smiles in self._training for evaluation in evaluations], dtype="bool"
                ),
                "violated": pd.Series(["; ".join(evaluation.violated) for evaluation in evaluations], dtype="str"),
            }
        )
        return pd.concat([table, value_columns(self.objective, evaluations, TERM)], axis=1)

    def times(self) -> pd.DataFrame:
        """Return a row a call: call, and seconds from the start of the search to its score."""
        return pd.DataFrame(
            {
                "call": pd.Series(range(1, len(self._calls) + 1), dtype="int64"),
                "seconds": pd.Series([call.seconds for call in self._calls.values()], dtype="float64"),
            }
        )

    def _left(self) -> list[Call]:
        """Return the recorded calls that do not count yet."""
        if len(self._record) == len(self._calls):
            return []
        return [call for call in self._record if call.evaluation.smiles not in self._calls]

    def _count(self, smiles: Iterable[str]) -> None:
        for text in smiles:
            call = self._record.get(text)
            assert call is not None
            self._calls[text] = call

    def _compute(self, new: Mapping[str, str], round: int) -> None:  # noqa: A002
        """Bring into the record what it does not have.

        Args:
            new: Name of what proposed each molecule, by canonical SMILES.
            round: Number of the round.
        """
        self._give_up_after_failures([call.evaluation for text in new if (call := self._record.get(text)) is not None])
        unknown = [text for text in new if self._record.get(text) is None]
        if self._cache is not None:
            cached = self._cache.get(unknown)
            self._add(cached, new, round)
            self._give_up_after_failures(cached)
            unknown = [text for text in unknown if self._record.get(text) is None]
        for evaluations in self._evaluator.evaluate(unknown):
            self._add(evaluations, new, round)
            if self._cache is not None:
                self._cache.add(evaluations)
            self._give_up_after_failures(evaluations)

    def _add(self, evaluations: Sequence[Evaluation], origins: Mapping[str, str], round: int) -> None:  # noqa: A002
        seconds = time.monotonic() - self._started
        self._record.add([Call(round, origins[one.smiles], one, seconds) for one in evaluations])

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


def value_columns(objective: Objective, evaluations: Sequence[Evaluation], term_prefix: str) -> pd.DataFrame:
    """Return a column for each raw value of terms and constraints, a row for each of N evaluations."""
    columns = {
        # An evaluation's values are no table's: PD011 takes them for pandas'.
        **{f"{term_prefix}{name}": [one.values[name] for one in evaluations] for name in objective.term_names},  # noqa: PD011
        **{
            f"{CONSTRAINT}{name}": [one.constraints[name] for one in evaluations] for name in objective.constraint_names
        },
    }
    return pd.DataFrame({name: pd.Series(values, dtype="float64") for name, values in columns.items()})


def _canonical(proposals: Sequence[tuple[str, str]]) -> list[str | None]:
    with quiet():
        return [canonical_smiles(smiles) for smiles, _ in proposals]
