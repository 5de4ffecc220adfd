"""The sample stage: a trained model in, new molecules out."""

from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.util import hash_array

from molvae.config import SampleConfig
from molvae.files import invalidate, write_json
from molvae.log import logger
from molvae.model.model import MolVAE
from molvae.molecule_tables import BLOCK_ROWS
from molvae.provenance import made_by
from molvae.table_writers import table_writer


def sample(
    model: MolVAE, out: Path | None, config: SampleConfig, seed: int, n_jobs: int = 1, summary: Path | None = None
) -> None:
    """Sample molecules and write them as a table with the column `smiles`, in the order sampled.

    An invalid sample is an empty cell, so that the table shows the validity.

    Args:
        model: The model.
        out: Table to write; None or `-` for standard output.
        config: Settings.
        seed: The run's seed: `model.sample` with it gives the same molecules.
        n_jobs: Processes.
        summary: JSON file to write: software and machine, how the molecules were sampled, and their numbers.
    """
    prior = model.generation.prior if config.prior == "best" else config.prior
    params = config.params(model.sampling_params(prior))
    counts = {"n": 0, "valid": 0}
    # Of as many as may be asked for, the hashes fit into memory, but not the texts.
    hashes = [np.empty(0, np.uint64)]
    samples = model.iter_samples(config.n, seed, prior, params, n_jobs)
    with table_writer(out, n_jobs) as write:
        while block := [smiles or "" for smiles in islice(samples, BLOCK_ROWS)]:
            names = [f"sample {number}" for number in range(counts["n"] + 1, counts["n"] + len(block) + 1)]
            write(pd.DataFrame({"smiles": block}), block, names)
            valid = [smiles for smiles in block if smiles]
            counts["n"], counts["valid"] = counts["n"] + len(block), counts["valid"] + len(valid)
            hashes.append(hash_array(np.array(valid, dtype=object)))
        if summary is not None:
            invalidate(summary)
    counts["distinct"] = len(np.unique(np.concatenate(hashes)))
    logger.info("%d sampled, %d molecules, %d distinct -> %s", *counts.values(), out or "standard output")
    if summary is not None:
        write_json(
            summary, {**made_by(model.device), "seed": seed, "prior": prior, "params": params.to_json(), **counts}
        )
