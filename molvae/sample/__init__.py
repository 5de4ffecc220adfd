"""The sample stage: a trained model in, new molecules out."""

from pathlib import Path

import pandas as pd

from molvae.config import SampleConfig
from molvae.files import write_json, write_table
from molvae.log import logger
from molvae.model.model import MolVAE
from molvae.provenance import software


def sample(
    model: MolVAE, out: Path, config: SampleConfig, seed: int, n_jobs: int = 1, summary: Path | None = None
) -> None:
    """Sample molecules and write them as a table with the column `smiles`, in the order sampled.

    An invalid sample is an empty cell, so that the table shows the validity.

    Args:
        model: The model.
        out: Table to write.
        config: Settings.
        seed: The run's seed: `model.sample` with it gives the same molecules.
        n_jobs: Processes.
        summary: JSON file to write: the software, how the molecules were sampled, and their numbers.
    """
    prior = model.generation.prior if config.prior == "best" else config.prior
    params = config.params(model.sampling_params(prior))
    sampled = model.sample(config.n, seed, prior, params, n_jobs)
    write_table(out, pd.DataFrame({"smiles": [smiles or "" for smiles in sampled]}))
    valid = [smiles for smiles in sampled if smiles is not None]
    counts = {"n": len(sampled), "valid": len(valid), "distinct": len(set(valid))}
    logger.info("%d sampled, %d molecules, %d distinct -> %s", *counts.values(), out)
    if summary is not None:
        write_json(
            summary, {"software": software(), "seed": seed, "prior": prior, "params": params.to_json(), **counts}
        )
