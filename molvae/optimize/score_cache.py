"""Scores that several searches share, in a file that the settings name."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from molvae.errors import DataError
from molvae.folders import require_private
from molvae.optimize.calls import EvaluationRows
from molvae.optimize.objective import Evaluation, Objective
from molvae.untrusted import parse_json

# How long to wait for another run that writes.
_SECONDS_TO_WAIT = 60.0


class ScoreCache:
    """Evaluations by objective and canonical SMILES, in an SQLite database that several runs may use at once.

    An objective is known by its spec and the contents of the user's own files (`Objective.identity`). Molecules that
    failed are not kept.
    """

    def __init__(self, file: Path, objective: Objective) -> None:
        """Open the file, or begin it.

        Raises:
            DataError: If it is another kind of file, cannot be written, or somebody else may have written it.
        """
        self._file = file
        self._rows = EvaluationRows(objective)
        self._key = hashlib.sha256(json.dumps(objective.identity(), sort_keys=True).encode()).hexdigest()
        if file.exists():
            require_private(file)
        with self._connection() as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS evaluations (objective TEXT, smiles TEXT, evaluation TEXT NOT NULL, "
                "PRIMARY KEY (objective, smiles)) WITHOUT ROWID"
            )

    def get(self, smiles: Sequence[str]) -> list[Evaluation]:
        """Return the evaluations of those of N canonical SMILES that are known, in order.

        Raises:
            DataError: If the file is damaged.
        """
        query = "SELECT evaluation FROM evaluations WHERE objective = ? AND smiles = ?"
        with self._connection() as database:
            found = [database.execute(query, (self._key, text)).fetchone() for text in smiles]
            return [self._rows.read(parse_json(row[0])) for row in found if row is not None]

    def add(self, evaluations: Sequence[Evaluation]) -> None:
        """Keep evaluations, except those that failed."""
        rows = [
            (self._key, evaluation.smiles, json.dumps(self._rows.write(evaluation)))
            for evaluation in evaluations
            if evaluation.status == "ok"
        ]
        with self._connection() as database:
            database.executemany("INSERT OR IGNORE INTO evaluations VALUES (?, ?, ?)", rows)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=_SECONDS_TO_WAIT)) as database, database:
                yield database
        # The last three are what a damaged row, or a damaged text of SQLite's own, comes to.
        except (OSError, sqlite3.Error, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{self._file}: expected a cache of scores that can be read and written, found otherwise ({error}); "
                "correct optimize.cache or move the file away"
            ) from error
