"""The train stage, from the prepared folder to the model folder."""

from pathlib import Path

import pandas as pd
import torch

from molvae.config import StandardiseConfig, TrainConfig
from molvae.files import existing, invalidate, read_json, write_table
from molvae.folders import remove_files
from molvae.log import logger
from molvae.model.coverage import unread_text
from molvae.model.model import MolVAE
from molvae.model.records import Generation, TrainingRecord
from molvae.model.shipped import models_that_know
from molvae.nn.device import choose_device, require_precision
from molvae.nn.vae import VAE
from molvae.tables import HISTORY, MOLECULES
from molvae.train.checkpoint import CHECKPOINT, Checkpoint
from molvae.train.choose_prior import choose_prior
from molvae.train.data import DATA_FILES, TrainingData, open_data, training_identity, validation_smiles, write_data
from molvae.train.loop import fit
from molvae.train.memory import keep_freed_memory
from molvae.train.molecules import Molecules
from molvae.train.processes import is_first, number_of_processes, process_group, wait_for_all
from molvae.train.start import HEAD, InitialState, starting_point
from molvae.vocabulary import Vocabulary

RESUME_FILES = (
    *(CHECKPOINT, ".checkpoint.[0-9]*.partial.bin"),
    # Of molvae 0.1.
    *("checkpoint.pt", ".checkpoint.[0-9]*.partial.pt"),
    *("data", *(f"data/{name}" for name in DATA_FILES)),
)
"""What a killed training leaves in `resume/`."""


def train(prepared: Path, out: Path, config: TrainConfig, seed: int, n_jobs: int = 1, device: str = "auto") -> None:
    """Train a VAE on prepared molecules, fit its priors, and write `model/` and `history.csv`.

    Until the stage is done, `out/resume/` contains what an interrupted run needs to resume. Processes started by
    `torchrun` train together; the first of them writes, and chooses the prior when the others have finished.

    Args:
        prepared: Folder of the prepare stage.
        out: Folder to write.
        config: Settings.
        seed: The run's seed.
        n_jobs: Processes for the FCD of the priors' samples.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        ConfigError: If the settings do not fit the device, or the model that is to be trained further.
        DataError: If the prepared folder lacks a file, or has no molecules to train or validate on.
    """
    existing(prepared / MOLECULES.file)
    chosen_device = choose_device(device)
    vocabulary = Vocabulary.read(prepared / "vocabulary.json")
    summary = read_json(prepared / "summary.json", ["standardisation"])
    standardisation = StandardiseConfig.model_validate(summary["standardisation"])
    start = starting_point(config, vocabulary, standardisation, seed)
    require_precision(chosen_device, config.precision, start.vae.config.cell)
    if start.base is not None and is_first():
        _tell_new_tokens(prepared, start.base, vocabulary, str(config.init_from))
    identity = training_identity(prepared, start, seed)
    keep_freed_memory()
    resume = out / "resume"
    checkpoint = Checkpoint(resume, identity)
    with process_group(chosen_device) as own_device:
        if is_first():
            write_data(prepared, resume / "data", start, seed, identity, n_jobs)
        wait_for_all()
        data = open_data(resume / "data")
        vae = start.vae.to(own_device)
        logger.info(
            "training %d parameters on %s; %d to validate; on %s, processes: %d",
            n_parameters(vae),
            _sizes(data.train),
            len(data.validation),
            own_device,
            number_of_processes(),
        )
        history = fit(vae, data.train, data.validation, start.config, seed, checkpoint)
        if not is_first():
            return
        _average(vae, start, start.config.start_weight)
        record = _record(start, data, history, seed)
    model = MolVAE(
        vae,
        start.vocabulary,
        {},
        Generation(start.config.priors[0], data.max_length),
        standardisation,
        record,
        data.train.scales,
    )
    reference = validation_smiles(prepared, len(data.validation), seed)
    choose_prior(model, data.train, reference, start.config, seed, n_jobs)
    invalidate(out / "model" / "config.json")
    write_table(out / HISTORY.file, pd.DataFrame(history))
    model.save(out / "model")
    remove_files(resume, RESUME_FILES)


def _tell_new_tokens(prepared: Path, base: MolVAE, vocabulary: Vocabulary, name: str) -> None:
    text = unread_text(prepared, vocabulary, base.vocabulary.tokens)
    if text:
        able = ", ".join(models_that_know(set(vocabulary.tokens)))
        logger.warning(
            "train.init_from: %s cannot read %s of the molecules, and learns these tokens from them alone; %s",
            *(name, text, f"{able} reads all" if able else "no model that comes with molvae reads all"),
        )


def _sizes(train: Molecules) -> str:
    """Return the number of training molecules; where a model adds its own, both numbers."""
    if not train.n_added:
        return f"{len(train):,} molecules"
    return f"{len(train):,} molecules, {train.n_new:,} yours + {train.n_added:,} replayed (train.replay)"


def _average(vae: VAE, start: InitialState, weight: float) -> None:
    """Replace the weights by their mean with those of the model that was trained further, if there was one.

    Those have this weight, from 0 to 1. What that model did not have keeps its trained weights: the rows of new tokens,
    and a new property head.
    """
    if start.base is None or not weight:
        return
    before, weights = start.base.vae.state_dict(), vae.state_dict()
    for name, trained in weights.items():
        if start.scales or not name.startswith(HEAD):
            known, new = trained[: len(before[name])], trained[len(before[name]) :]
            weights[name] = torch.cat([torch.lerp(known, before[name].to(known.device), weight), new])
    vae.load_state_dict(weights)


def n_parameters(vae: VAE) -> int:
    """Return the number of parameters of the networks."""
    return sum(parameter.numel() for parameter in vae.parameters())


def _record(start: InitialState, data: TrainingData, history: list[dict[str, float]], seed: int) -> TrainingRecord:
    return TrainingRecord(
        n_molecules=data.train.n_new,
        n_parameters=n_parameters(start.vae),
        epochs=len(history),
        best_epoch=int(min(history, key=lambda row: row["validation_loss"])["epoch"]),
        init_from=start.config.init_from,
        seed=seed,
        n_threads=torch.get_num_threads(),
        n_processes=number_of_processes(),
        kl_weight=start.config.kl_weight,
        code_dropout=start.config.code_dropout,
    )
