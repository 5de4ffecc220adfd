"""The record of oracle calls on disk, from which a killed run goes on."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from molvae.errors import DataError
from molvae.files import read_json, replacing, write_json
from molvae.log import logger
from molvae.optimize.objective import Evaluation, Objective, Status

TERM = "term."


class CallRecord:
    """Evaluations by canonical SMILES, in memory and, if there is a folder, appended to `calls.csv` in it.

    Beside the calls lies the objective that they belong to, `objective.json`: calls of another objective are removed.
    What a user's own function or program does is not seen: after a change to it, remove the folder.
    """

    def __init__(self, objective: Objective, folder: Path | None) -> None:
        """Load what an earlier, killed run has left in `folder`.

        Raises:
            DataError: If the calls there cannot be read.
        """
        self._objective = objective
        self._file = None if folder is None else folder / "calls.csv"
        self._terms = [f"{TERM}{name}" for name in objective.term_names]
        self._columns = ["smiles", "score", "feasible", "status", "violated", "error", "seconds", *self._terms]
        self._recorded: dict[str, tuple[Evaluation, float]] = {}
        if folder is not None:
            self._open(folder)

    def get(self, smiles: str) -> tuple[Evaluation, float] | None:
        """Return the evaluation of a canonical SMILES and the seconds after which it was there, if it is known."""
        return self._recorded.get(smiles)

    def add(self, evaluations: Sequence[Evaluation], seconds: float) -> None:
        """Keep evaluations that were there `seconds` after the run's start."""
        self._recorded.update((evaluation.smiles, (evaluation, seconds)) for evaluation in evaluations)
        if self._file is not None:
            self._append(self._file, [self._row(evaluation, seconds) for evaluation in evaluations])

    def forget(self, smiles: Iterable[str]) -> None:
        """Remove the calls of some molecules, also from the disk."""
        for text in smiles:
            self._recorded.pop(text, None)
        if self._file is not None:
            with replacing(self._file) as temporary:
                rows = [self._row(evaluation, seconds) for evaluation, seconds in self._recorded.values()]
                self._append(temporary, [self._columns, *rows])

    def _open(self, folder: Path) -> None:
        assert self._file is not None
        folder.mkdir(parents=True, exist_ok=True)
        objective_file = folder / "objective.json"
        # The words may be put better without a change to the scores.
        asked = {key: value for key, value in self._objective.as_dict().items() if key != "description"}
        if self._file.exists():
            if objective_file.exists() and read_json(objective_file) == asked:
                self._load(self._file)
                return
            logger.warning("%s: these calls are of another objective; starting anew", self._file)
        # In this order, so that calls never lie beside an objective that is not theirs.
        self._file.unlink(missing_ok=True)
        write_json(objective_file, asked)
        self._append(self._file, [self._columns])

    @staticmethod
    def _append(file: Path, rows: Iterable[Sequence[str]]) -> None:
        with file.open("a", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)

    def _load(self, file: Path) -> None:
        content = file.read_bytes()
        # A kill can leave half a line; its call is made again.
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with file.open("r+b") as stream:
                stream.truncate(len(whole))
        try:
            rows = list(csv.DictReader(io.StringIO(whole.decode("utf-8"), newline=""), strict=True))
            for row in rows:
                evaluation = self._evaluation(row)
                self._recorded[evaluation.smiles] = (evaluation, float(row["seconds"]))
        except (csv.Error, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{file}: expected the calls of an earlier run, found something else "
                f"({error!r}); remove the folder to start anew"
            ) from error
        if rows:
            logger.info("%s: going on after %d calls", file, len(rows))

    def _row(self, evaluation: Evaluation, seconds: float) -> list[str]:
        return [
            evaluation.smiles,
            # repr is the shortest text that gives the same float back.
            repr(evaluation.score),
            str(evaluation.feasible),
            evaluation.status,
            ";".join(evaluation.violated),
            evaluation.error,
            f"{seconds:.3f}",
            *(repr(evaluation.values[name]) for name in self._objective.term_names),
        ]

    def _evaluation(self, row: dict[str, str]) -> Evaluation:
        values = {name: float(row[f"{TERM}{name}"]) for name in self._objective.term_names}
        statuses: dict[str, Status] = {"ok": "ok", "failed": "failed"}
        status = statuses[row["status"]]
        no_values = dict.fromkeys(values, math.nan)
        return Evaluation(
            smiles=row["smiles"],
            score=float(row["score"]),
            feasible=row["feasible"] == "True",
            status=status,
            values=values,
            desirabilities=self._objective.desirabilities(values) if status == "ok" else no_values,
            violated=tuple(row["violated"].split(";")) if row["violated"] else (),
            error=row["error"],
        )
