"""From a table of measured molecules to a learned model in one call."""

from pathlib import Path
from typing import TYPE_CHECKING

from molvae.learned.measurements import read_measurements
from molvae.learned.model import LearnedModel, fit

if TYPE_CHECKING:
    from molvae.model.model import MolVAE


def learn(
    table: str | Path,
    column: str,
    smiles_column: str | None = None,
    *,
    seed: int = 1,
    n_jobs: int = 1,
    model: "MolVAE | None" = None,
) -> LearnedModel:
    """Learn a measured column, as `molvae learn` does.

    Args:
        table: A table of molecules, see `read_measurements`.
        column: The column with the values.
        smiles_column: The column with the SMILES; found by its usual names by default.
        seed: Seed of the folds and fits.
        n_jobs: Threads.
        model: A trained MolVAE, for a model on its codes to compete as well.

    Example:
        molvae.learn("measured.csv", "pIC50").predict(["CCO"]).mean
    """
    return fit(read_measurements(Path(table), column, smiles_column), seed=seed, n_jobs=n_jobs, model=model)
