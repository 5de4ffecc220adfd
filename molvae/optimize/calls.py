"""The record of oracle calls on disk, from which a killed run resumes."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from molvae.errors import DataError
from molvae.files import read_json, replacing, room_for, write_json
from molvae.log import logger
from molvae.optimize.objective import Evaluation, Objective, Status
from molvae.tables import TERM

RESUME_FILES = ("calls.csv", ".calls.[0-9]*.partial.csv", "objective.json", ".objective.[0-9]*.partial.json")
"""What a killed search leaves in its folder."""


def _content(belongs_to: Path) -> object:
    """Return the objective that calls belong to, or None where that is not known."""
    try:
        return read_json(belongs_to)
    except DataError:
        return None


def _rows(text: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    # The reader stops at what is no table.
    with suppress(csv.Error):
        rows.extend(csv.DictReader(io.StringIO(text, newline="")))
    return rows


class CallRecord:
    """Evaluations by canonical SMILES, in memory and, if there is a folder, appended to `calls.csv` in it.

    Beside the calls lies the objective that they belong to, `objective.json`: calls of another objective are removed.
    What a user's own function or program does is not seen: after a change to it, remove the folder.
    """

    def __init__(self, objective: Objective, folder: Path | None) -> None:
        """Load what an earlier, killed run has left in `folder`; calls that cannot be read are made again."""
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
        # A change of the description does not change the scores.
        asked = {key: value for key, value in self._objective.as_dict().items() if key != "description"}
        if self._file.exists():
            # A link may lead to any file, and this one is written to.
            if not self._file.is_symlink() and _content(objective_file) == asked:
                self._load(self._file)
                return
            logger.warning("%s: these calls are not known to be of this objective; starting over", self._file)
        # In this order, so that calls never lie beside an objective that is not theirs.
        self._file.unlink(missing_ok=True)
        write_json(objective_file, asked)
        self._append(self._file, [self._columns])

    @staticmethod
    def _append(file: Path, rows: Iterable[Sequence[str]]) -> None:
        with room_for(file), file.open("a", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)

    def _load(self, file: Path) -> None:
        content = file.read_bytes()
        # A kill can leave half a line; its call is made again.
        whole = content[: content.rfind(b"\n") + 1]
        rows = _rows(whole.decode("utf-8", errors="replace"))
        n_read = 0
        for row in rows:
            with suppress(KeyError, TypeError, ValueError):
                evaluation, seconds = self._evaluation(row), float(row["seconds"])
                self._recorded[evaluation.smiles] = (evaluation, seconds)
                n_read += 1
        if n_read < len(rows):
            logger.warning(
                "%s: expected %d calls of an earlier run, found %d that can be read; the others are made again",
                file,
                len(rows),
                n_read,
            )
        if self._recorded:
            logger.info("%s: resuming after %d calls", file, len(self._recorded))
        # Without what could not be read, so that the next line does not become a part of it.
        with replacing(file) as temporary:
            self._append(temporary, [self._columns, *(self._row(*call) for call in self._recorded.values())])

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
