"""Several measured columns as one value: the score of an objective."""

import math
from pathlib import Path

import numpy as np

from molvae.chem.reading import Columns, column_names
from molvae.errors import ConfigError, DataError
from molvae.learned import Measurements, read_measurements
from molvae.optimize.objective import Objective


def read_scores(file: Path, objective: Objective, smiles_column: str | None = None) -> Measurements:
    """Return the scores of measured molecules by an objective.

    A term with the name of a column of the table has the measured values; the others are computed. Only molecules with
    a value in each of these columns have a score.

    Args:
        file: The measured table.
        objective: The objective.
        smiles_column: The table's column with the SMILES; found by its usual names by default.

    Raises:
        ConfigError: If no term has the name of a column.
        DataError: If the table cannot be read, or no molecule has a score.
    """
    names = column_names(file, Columns(smiles_column))
    measured = [name for name in objective.term_names if name in names]
    if not measured:
        raise ConfigError(
            f"{file}: expected a column of the name of a term of {objective.name} ({', '.join(objective.term_names)}), "
            f"found {', '.join(names) or 'no columns'}; name the terms as the columns (name: ...), or choose one "
            "(--column)"
        )
    columns = {name: read_measurements(file, name, smiles_column, may_be_few=True) for name in measured}
    values = {name: dict(zip(of.smiles, of.values.tolist(), strict=True)) for name, of in columns.items()}
    smiles = [text for text in columns[measured[0]].smiles if all(text in of_column for of_column in values.values())]
    scores = [
        objective.spec.score_of({**evaluation.values, **{name: values[name][evaluation.smiles] for name in measured}})
        for evaluation in objective.evaluate_batch(smiles)
    ]
    rows = [row for row, score in enumerate(scores) if math.isfinite(score)]
    if not rows:
        raise DataError(
            f"{file}: expected molecules with a value in each of the columns {', '.join(measured)}, found none that "
            f"{objective.name} can score; leave out a term, or measure more"
        )
    if np.ptp([scores[row] for row in rows]) == 0.0 and len(rows) > 1:
        raise DataError(
            f"{file}: expected different scores by {objective.name}, found {scores[rows[0]]:g} for all {len(rows)} "
            "molecules; give a term a less steep desirability"
        )
    return Measurements(
        objective.name,
        [smiles[row] for row in rows],
        np.array([scores[row] for row in rows]),
        np.ones(len(rows), dtype=np.int64),
    )
