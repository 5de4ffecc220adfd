"""The train stage, from the prepared folder to the model folder."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from molvae.config import StandardiseConfig, TrainConfig
from molvae.files import existing, invalidate, read_json, write_table
from molvae.folders import remove_files
from molvae.log import logger
from molvae.nn.device import choose_device
from molvae.train.checkpoint import Checkpoint
from molvae.train.choose_prior import choose_prior
from molvae.train.data import DATA_FILES, TrainingData, open_data, training_identity, validation_smiles, write_data
from molvae.train.loop import fit
from molvae.train.processes import is_first, number_of_processes, process_group, wait_for_all
from molvae.train.start import starting_point
from molvae.vocabulary import Vocabulary

RESUME_FILES = (
    *("checkpoint.pt", ".checkpoint.*.partial.pt"),
    *("data", *(f"data/{name}" for name in DATA_FILES)),
    *(".data.*.partial", ".data.*.partial/**/*"),
)
"""What a killed training leaves in `resume/`."""


def train(prepared: Path, out: Path, config: TrainConfig, seed: int, n_jobs: int = 1, device: str = "auto") -> None:
    """Train a VAE on prepared molecules, fit its priors, and write `model/` and `history.csv`.

    What a killed run needs to go on lies in `out/resume/` until the stage is done. Processes that `torchrun` started
    train together: the first writes, and chooses the prior while the others are done.

    Args:
        prepared: Folder of the prepare stage.
        out: Folder to write.
        config: Settings.
        seed: The run's seed.
        n_jobs: Processes for the FCD of the priors' samples.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        ConfigError: If the settings do not fit the model that is to be trained further.
        DataError: If the prepared folder lacks a file, or has no molecules to train or validate on.
    """
    existing(prepared / "molecules.parquet")
    known = Vocabulary(tuple(read_json(prepared / "vocabulary.json")["tokens"]))
    standardisation = StandardiseConfig.model_validate(read_json(prepared / "summary.json")["standardisation"])
    start = starting_point(config, known, standardisation, seed)
    config, vocabulary = start.config, start.vocabulary
    identity = training_identity(prepared, start, seed)
    resume = out / "resume"
    with process_group(choose_device(device)) as here:
        if is_first():
            write_data(prepared, resume / "data", start, seed, identity, n_jobs)
        wait_for_all()
        data = open_data(resume / "data")
        vae = start.vae.to(here)
        n_parameters = sum(parameter.numel() for parameter in vae.parameters())
        logger.info(
            "training %d parameters on %d molecules (%d to validate) on %s, processes: %d",
            n_parameters,
            len(data.train),
            len(data.validation),
            here,
            number_of_processes(),
        )
        history = fit(vae, data.train, data.validation, config, seed, Checkpoint(resume, identity))
        if not is_first():
            return
        description = _describe(data, n_parameters, history, config, seed)
    model = choose_prior(
        vae,
        vocabulary,
        standardisation,
        description,
        data.train.scales,
        data.train.tokens,
        data.train.n_new,
        validation_smiles(prepared, len(data.validation), seed),
        data.longest,
        config,
        seed,
        n_jobs,
    )
    invalidate(out / "model" / "config.json")
    write_table(out / "history.csv", pd.DataFrame(history))
    model.save(out / "model")
    remove_files(resume, RESUME_FILES)


def _describe(
    data: TrainingData, n_parameters: int, history: list[dict[str, float]], config: TrainConfig, seed: int
) -> dict[str, Any]:
    """Return what a model records of its training."""
    return {
        "n_molecules": data.train.n_new,
        "n_parameters": n_parameters,
        "epochs": len(history),
        "best_epoch": int(min(history, key=lambda row: row["validation_loss"])["epoch"]),
        "init_from": config.init_from,
        "seed": seed,
        "n_threads": torch.get_num_threads(),
        "n_processes": number_of_processes(),
        "kl_weight": config.kl_weight,
        "code_dropout": config.code_dropout,
    }
