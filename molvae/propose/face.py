"""`molvae.propose(...)`, and what it shares with the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from molvae.config import ProposeConfig, parse_config
from molvae.learned import Measurements, read_measurements
from molvae.log import logger
from molvae.model.loading import load
from molvae.model.shipped import model_folder
from molvae.optimize.objective import Objective, load_objective
from molvae.propose.inputs import check_constraints
from molvae.propose.pool import Pool
from molvae.propose.scores import read_scores
from molvae.propose.stage import Wanted, propose_from_pool, propose_invented
from molvae.propose.table import Proposed

if TYPE_CHECKING:
    from pandas import DataFrame


def propose(model: str | Path, *, seed: int = 1, n_jobs: int = 1, **settings: Any) -> "DataFrame":
    """Choose the molecules of the next plate.

        molvae.propose("zinc250k", measured="results.csv", column="pIC50", n=96)

    Args:
        model: A trained model's folder or name; it invents what is proposed where there is no pool.
        seed: Seed of all random draws.
        n_jobs: Processes for large pools.
        settings: Any of `molvae.config.ProposeConfig`.

    Returns:
        A row for each molecule, columns as in `molvae.tables.PLATE`, and then those of the pool.

    Raises:
        ConfigError: If a setting is unknown or impossible, or a column is missing.
        DataError: If a file cannot be read, or there are not enough molecules.
    """
    given = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
    config = parse_config({"propose": given}, "molvae.propose").propose
    return plate(model, config, seed, n_jobs=n_jobs).table


def plate(model: str | Path, config: ProposeConfig, seed: int, device: str = "auto", n_jobs: int = 1) -> Proposed:
    """Choose a plate from a pool if there is one, and from what the model invents otherwise."""
    folder = model_folder(model)
    objective = None
    if config.objective is not None:
        objective = load_objective(config.objective).with_model(folder.resolve())
        check_constraints(objective)
    wanted = Wanted(config.n, config.minimise, objective, seed)
    measured = _measured(config, objective)
    if config.pool is None:
        return propose_invented(load(folder, device), measured, wanted)
    return propose_from_pool(Pool.at(Path(config.pool), config.pool_smiles_column), measured, wanted, n_jobs)


def _measured(config: ProposeConfig, objective: Objective | None) -> Measurements:
    """Read what was measured, which may be nothing."""
    if config.measured is None:
        logger.info("nothing measured: the plate is diverse")
        return Measurements("", [], np.empty(0), np.empty(0, np.int64))
    if config.column is None:
        assert objective is not None, "the settings have checked it"
        return read_scores(Path(config.measured), objective, config.smiles_column)
    return read_measurements(Path(config.measured), config.column, config.smiles_column, may_be_few=True)
