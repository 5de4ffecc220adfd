"""The sample stage: a trained model in, new molecules out."""

from pathlib import Path

import pandas as pd

from molvae.config import SampleConfig
from molvae.files import write_table
from molvae.log import logger
from molvae.model.model import MolVAE
from molvae.seeding import derive_seed


def sample(model: MolVAE, out: Path, config: SampleConfig, seed: int, n_jobs: int = 1) -> None:
    """Draw molecules and write them as a table with the column `smiles`, in the order drawn.

    A draw that is no molecule is an empty cell, so that the validity can be told from the table.
    """
    prior = None if config.prior == "best" else config.prior
    drawn = model.sample(
        config.n,
        derive_seed(seed, "sample stage"),
        prior,
        config.temperature,
        config.prior_temperature,
        config.min_probability,
        config.max_nll,
        n_jobs,
    )
    write_table(out, pd.DataFrame({"smiles": [smiles or "" for smiles in drawn]}))
    distinct = set(drawn) - {None}
    logger.info("%d sampled, %d molecules, %d distinct -> %s", len(drawn), sum(map(bool, drawn)), len(distinct), out)
