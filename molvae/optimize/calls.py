"""The record of oracle calls on disk: the trace of a search at any moment, from which a killed one resumes."""

import csv
import io
import itertools
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from molvae.errors import DataError
from molvae.files import read_json, replacing, room_for, write_json
from molvae.log import logger
from molvae.optimize.objective import Evaluation, Objective, Status, without_limits
from molvae.provenance import software
from molvae.tables import CONSTRAINT, TERM

RESUME_FILES = ("calls.csv", ".calls.[0-9]*.partial.csv", "objective.json", ".objective.[0-9]*.partial.json")
"""What a killed search leaves in its folder."""


@dataclass(frozen=True)
class Call:
    """An oracle call.

    Attributes:
        round: Round of the search, from 0.
        origin: Name of what proposed the molecule.
        evaluation: What it came to.
        seconds: From the start of the search to its score.
    """

    round: int
    origin: str
    evaluation: Evaluation
    seconds: float


class EvaluationRows:
    """Evaluations by an objective as rows of text, from which they come back equal."""

    def __init__(self, objective: Objective) -> None:
        """Take the names of terms and constraints."""
        self._objective = objective
        self._terms = [(f"{TERM}{name}", name) for name in objective.term_names]
        self._constraints = [(f"{CONSTRAINT}{name}", name) for name in objective.constraint_names]

    @property
    def columns(self) -> list[str]:
        """The keys of a row, in order."""
        values = [column for column, _ in (*self._terms, *self._constraints)]
        return ["smiles", "score", "feasible", "status", "violated", "error", *values]

    def write(self, evaluation: Evaluation) -> dict[str, str]:
        """Return an evaluation as texts by column."""
        return {
            "smiles": evaluation.smiles,
            # repr is the shortest text that gives the same float back.
            "score": repr(evaluation.score),
            "feasible": str(evaluation.feasible),
            "status": evaluation.status,
            "violated": "; ".join(evaluation.violated),
            "error": evaluation.error,
            # An evaluation's values are no table's: PD011 takes them for pandas'.
            **{column: repr(evaluation.values[name]) for column, name in self._terms},
            **{column: repr(evaluation.constraints[name]) for column, name in self._constraints},
        }

    def read(self, row: Mapping[str, str]) -> Evaluation:
        """Return the evaluation of a row.

        Raises:
            KeyError, TypeError, ValueError: If it is not such a row.
        """
        values = {name: float(row[column]) for column, name in self._terms}
        no_score = self._objective.without_score(row["smiles"], _status(row["status"]), row["error"])
        return Evaluation(
            smiles=no_score.smiles,
            score=float(row["score"]),
            feasible=row["feasible"] == "True",
            status=no_score.status,
            values=values,
            desirabilities=self._objective.spec.desirabilities(values) if no_score.status == "ok" else no_score.values,
            violated=tuple(row["violated"].split("; ")) if row["violated"] else (),
            error=no_score.error,
            constraints={name: float(row[column]) for column, name in self._constraints},
        )


def _status(text: str) -> Status:
    statuses: dict[str, Status] = {status: status for status in get_args(Status)}
    return statuses[text]


class CallRecord:
    """Oracle calls by canonical SMILES, in memory and, if there is a folder, appended to `calls.csv` in it.

    `calls.csv` has the columns of the trace, a row a call in the order in which they were done, and may be read at any
    moment. Beside it lies what the scores depend on, `objective.json`. Calls of another objective are set aside, never
    removed.

    Attributes:
        earlier_software: What made calls of an earlier run (see `provenance.software`), where it was not the same.
        of_these_files: Whether the calls of an earlier run were made by the user's own files as they are now.
    """

    def __init__(self, objective: Objective, folder: Path | None) -> None:
        """Load what an earlier, killed run has left in `folder`; calls that cannot be read are made again."""
        self._rows = EvaluationRows(objective)
        self._file = None if folder is None else folder / "calls.csv"
        self._columns = ["round", "origin", *self._rows.columns, "seconds"]
        self._recorded: dict[str, Call] = {}
        self.earlier_software: list[dict[str, str]] = []
        self.of_these_files = True
        if folder is not None:
            self._open(folder, objective.identity())

    def __len__(self) -> int:
        return len(self._recorded)

    def __iter__(self) -> Iterator[Call]:
        """Yield the calls in the order in which they were done."""
        return iter(self._recorded.values())

    def get(self, smiles: str) -> Call | None:
        """Return the call of a canonical SMILES, if there was one."""
        return self._recorded.get(smiles)

    def add(self, calls: Sequence[Call]) -> None:
        """Keep calls."""
        self._recorded.update((call.evaluation.smiles, call) for call in calls)
        if self._file is not None:
            self._append(self._file, [self._written(call) for call in calls])

    def forget(self, smiles: Iterable[str]) -> None:
        """Remove the calls of some molecules, also from the disk."""
        for text in smiles:
            self._recorded.pop(text, None)
        if self._file is not None:
            self._write_all(self._file)

    def _open(self, folder: Path, identity: dict[str, Any]) -> None:
        assert self._file is not None
        folder.mkdir(parents=True, exist_ok=True)
        if self._file.is_symlink():
            # A link may lead to any file, and this one is written to.
            self._file.unlink()
        identity_file = folder / "objective.json"
        recorded_by = _recorded_by(identity_file, identity) if self._file.exists() else None
        if recorded_by is not None:
            self.of_these_files = recorded_by["files"] == identity["files"]
            if not self.of_these_files:
                _warn_of_changed_files(folder)
            self._load(self._file)
            if self._recorded:
                self._note_software(identity_file, recorded_by)
        else:
            # In this order, so that calls are never in a folder with the identity of another objective.
            if self._file.exists():
                _set_aside(self._file, identity_file)
            write_json(identity_file, identity | {"software": [software()]})
            self._append(self._file, [self._columns])

    def _note_software(self, identity_file: Path, content: dict[str, Any]) -> None:
        """Note beside the calls that this version of molvae goes on with them, if another one made some."""
        recorded = content.get("software")
        known = recorded if isinstance(recorded, list) else [{"molvae": "unknown", "source": "unknown"}]
        self.earlier_software = [one for one in known if one != software()]
        if not self.earlier_software:
            return
        logger.warning(
            "%s: another version of molvae made calls of this search; they still count, and summary.json names it",
            identity_file.with_name("calls.csv"),
        )
        if software() not in known:
            write_json(identity_file, content | {"software": [*known, software()]})

    @staticmethod
    def _append(file: Path, rows: Iterable[Sequence[str]]) -> None:
        with room_for(file), file.open("a", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)
            stream.flush()
            # A call may have cost much: it must outlive a power failure.
            os.fsync(stream.fileno())

    def _write_all(self, file: Path) -> None:
        with replacing(file) as temporary:
            # In containers process ids come again, and with them the name of what a kill has left.
            temporary.unlink(missing_ok=True)
            self._append(temporary, [self._columns, *(self._written(call) for call in self)])

    def _load(self, file: Path) -> None:
        content = file.read_bytes()
        # A kill can leave half a line; its call is made again.
        whole = content[: content.rfind(b"\n") + 1]
        rows = _rows(whole.decode("utf-8", errors="replace"))
        n_read = 0
        for row in rows:
            with suppress(KeyError, TypeError, ValueError):
                call = Call(int(row["round"]), row["origin"], self._rows.read(row), float(row["seconds"]))
                self._recorded[call.evaluation.smiles] = call
                n_read += 1
        if n_read < len(rows):
            kept = _numbered(file, _free_number(file))
            shutil.copyfile(file, kept)
            logger.warning(
                "%s: expected %d calls of an earlier run, found %d that can be read; the others are made again, and "
                "the file as it was is kept as %s",
                *(file, len(rows), n_read, kept.name),
            )
        if self._recorded:
            logger.info("%s: resuming after %d calls", file, len(self._recorded))
        # Without what could not be read, so that the next line does not become a part of it.
        self._write_all(file)

    def _written(self, call: Call) -> list[str]:
        row = self._rows.write(call.evaluation) | {
            "round": str(call.round),
            "origin": call.origin,
            "seconds": f"{call.seconds:.3f}",
        }
        return [row[column] for column in self._columns]


def _recorded_by(identity_file: Path, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what recorded calls were made by, whatever the user's own files were; None if by another objective."""
    try:
        recorded: dict[str, Any] = read_json(identity_file, list(identity))
        return recorded if without_limits(recorded["objective"]) == identity["objective"] else None
    # It may be JSON of any shape.
    except (DataError, AttributeError, TypeError):
        return None


def _warn_of_changed_files(folder: Path) -> None:
    logger.warning(
        "%s: your own files have changed since these calls, which still count; remove %s to make them again",
        *(folder / "calls.csv", folder),
    )


def _set_aside(*files: Path) -> None:
    """Give what is of another objective names of its own: the calls may have cost much."""
    n = _free_number(*files)
    for file in files:
        if file.exists():
            file.rename(_numbered(file, n))
    logger.warning(
        "%s: these calls are not known to be of this objective; starting over, they are kept as %s",
        *(files[0], _numbered(files[0], n).name),
    )


def _free_number(*files: Path) -> int:
    """Return the first number that none of these names has been given."""
    return next(n for n in itertools.count(1) if not any(_numbered(file, n).exists() for file in files))


def _numbered(file: Path, n: int) -> Path:
    return file.with_stem(f"{file.stem}.{n}")


def _rows(text: str) -> list[dict[str, str]]:
    # An oracle's complaint may be long.
    before = csv.field_size_limit(max(len(text), csv.field_size_limit()))
    try:
        return list(csv.DictReader(io.StringIO(text, newline="")))
    finally:
        csv.field_size_limit(before)
