"""Several measured columns as one value: the score of an objective."""

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from molvae.errors import DataError
from molvae.learned import Measurements, read_measurements
from molvae.learned.measurements import MIN_MOLECULES
from molvae.optimize.objective import Objective
from molvae.propose.inputs import measured_terms


def read_scores(file: Path, objective: Objective, smiles_column: str | None = None) -> Measurements:
    """Return the scores of measured molecules by an objective.

    A term with the name of a column of the table has the measured values; the others are computed. Only molecules with
    a value in each of these columns have a score; those with some of them, or with bounds, were measured all the same.

    Args:
        file: The measured table.
        objective: The objective.
        smiles_column: The table's column with the SMILES; found by its usual names by default.

    Raises:
        ConfigError: If no term has the name of a column.
        DataError: If the table cannot be read, no molecule was measured, or all have the same score.
    """
    measured = measured_terms(file, objective, smiles_column)
    columns = {name: read_measurements(file, name, smiles_column, may_be_few=True) for name in measured}
    values = {name: dict(zip(of.smiles, of.values.tolist(), strict=True)) for name, of in columns.items()}
    smiles = [text for text in columns[measured[0]].smiles if all(text in of_column for of_column in values.values())]
    scores = [
        objective.spec.score_of({**computed, **{name: values[name][text] for name in measured}})
        for text, computed in zip(smiles, _computed(objective, smiles, set(measured)), strict=True)
    ]
    rows = [row for row, score in enumerate(scores) if math.isfinite(score)]
    scored = dict.fromkeys(smiles[row] for row in rows)
    tested = dict.fromkeys(text for of in columns.values() for text in of.tested)
    without_score = tuple(text for text in tested if text not in scored)
    if not rows and not any(of.bounds for of in columns.values()):
        raise DataError(
            f"{file}: expected molecules with a value in each of the columns {', '.join(measured)}, found none that "
            f"{objective.name} can score; leave out a term, or measure more"
        )
    if len(rows) >= MIN_MOLECULES and np.ptp([scores[row] for row in rows]) == 0.0:
        raise DataError(
            f"{file}: expected different scores by {objective.name}, found {scores[rows[0]]:g} for all {len(rows)} "
            "molecules; give a term a less steep desirability"
        )
    return Measurements(
        objective.name,
        list(scored),
        np.array([scores[row] for row in rows], dtype=np.float64),
        np.ones(len(rows), dtype=np.int64),
        without_value=without_score,
    )


def _computed(objective: Objective, smiles: Sequence[str], measured: Collection[str]) -> list[Mapping[str, float]]:
    """Return the values of the terms that are not measured; the others may be a program that runs for hours."""
    terms = tuple(term for term in objective.spec.terms if term.title not in measured)
    if not terms:
        return [{} for _ in smiles]
    # Neither a mean nor a constraint matters to the values.
    parts = {"terms": terms, "constraints": (), "lead": None, "core": None, "mean": "arithmetic"}
    computing = Objective(objective.spec.model_copy(update=parts), objective.folder)
    return [evaluation.values for evaluation in computing.evaluate_batch(smiles)]
