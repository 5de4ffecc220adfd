"""`molvae.propose(...)`."""

from pathlib import Path

import numpy as np
import pandas as pd

from molvae.errors import ConfigError
from molvae.learned import Measurements, read_measurements
from molvae.log import logger
from molvae.model.loading import load
from molvae.model.shipped import model_folder
from molvae.optimize.objective import Objective, load_objective
from molvae.propose.pool import Pool
from molvae.propose.stage import Wanted, propose_from_pool, propose_invented
from molvae.propose.table import Proposed


def propose(
    model: str | Path,
    *,
    measured: str | Path | None = None,
    column: str | None = None,
    pool: str | Path | None = None,
    n: int = 96,
    minimise: bool = False,
    objective: str | Path | Objective | None = None,
    seed: int = 1,
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Choose the molecules of the next plate.

    Args:
        model: A trained model's folder or name; what it invents is proposed where there is no pool.
        measured: Table of what was measured so far; by default nothing was, and the plate is diverse.
        column: Its column with the measured values.
        pool: Molecule file to choose from, of any length.
        n: Number of molecules.
        minimise: Whether lower values are better.
        objective: An objective, its file or its name; every proposal satisfies its constraints.
        seed: Seed of all random draws.
        n_jobs: Processes for large pools.

    Returns:
        A row for each molecule, columns as in `molvae.tables.PLATE`, and then those of the pool.

    Raises:
        ConfigError: If an argument is impossible or a column is missing.
        DataError: If a file cannot be read, or there are not enough molecules.
    """
    loaded = load_objective(str(objective)) if isinstance(objective, str | Path) else objective
    wanted = Wanted(n, minimise, loaded, seed)
    known = measurements(None if measured is None else Path(measured), column)
    return plate(model, known, wanted, None if pool is None else Path(pool), n_jobs=n_jobs).table


def measurements(file: Path | None, column: str | None, smiles_column: str | None = None) -> Measurements:
    """Read what was measured, which may be nothing.

    Raises:
        ConfigError: If only one of file and column is given, or there is no such column.
        DataError: If the file cannot be read, or the column has no numbers or only equal ones.
    """
    if (file is None) != (column is None):
        raise ConfigError(
            "expected the measured table together with its column (--measured results.csv --column pIC50), found only "
            f"the {'table' if column is None else 'column'}"
        )
    if file is None or column is None:
        return Measurements("", [], np.empty(0), np.empty(0, np.int64))
    return read_measurements(file, column, smiles_column, may_be_few=True)


def plate(
    model: str | Path,
    measured: Measurements,
    wanted: Wanted,
    pool: Path | None,
    smiles_column: str | None = None,
    device: str = "auto",
    n_jobs: int = 1,
) -> Proposed:
    """Choose a plate from a pool if there is one, and from what the model invents otherwise."""
    if wanted.n < 1:
        raise ConfigError(f"expected at least 1 molecule to propose, found {wanted.n}")
    folder = model_folder(model)
    if not len(measured):
        logger.info("nothing measured: the plate is diverse")
    if pool is None:
        return propose_invented(load(folder, device), measured, wanted)
    return propose_from_pool(Pool.at(pool, smiles_column), measured, wanted, n_jobs)
