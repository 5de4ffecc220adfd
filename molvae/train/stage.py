"""The train stage, from the prepared folder to the model folder."""

import hashlib
import json
from pathlib import Path

import pandas as pd
import torch

from molvae.chem.vocabulary import Vocabulary, split_selfies
from molvae.config import ModelConfig, StandardiseConfig, TrainConfig
from molvae.errors import DataError
from molvae.files import read_json, read_table, write_table
from molvae.log import logger
from molvae.model import MolVAE
from molvae.nn.device import choose_device
from molvae.nn.tokens import TokenStore
from molvae.nn.vae import VAE
from molvae.seeding import derive_seed
from molvae.train.checkpoint import Checkpoint
from molvae.train.choose_prior import choose_prior
from molvae.train.loop import fit


def train(prepared: Path, out: Path, config: TrainConfig, seed: int, n_jobs: int = 1, device: str = "auto") -> MolVAE:
    """Train a VAE on prepared molecules, fit its priors, and write `model/` and `history.csv`.

    What a killed run needs to go on lies in `out/resume/` until the stage is done.

    Args:
        prepared: Folder of the prepare stage.
        out: Folder to write.
        config: Settings.
        seed: The run's seed.
        n_jobs: Processes for the FCD of the priors' samples.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        DataError: If the prepared folder lacks a file, or has no molecules to train or validate on.
    """
    molecules = read_table(prepared / "molecules.parquet", ["smiles", "selfies", "split"])
    vocabulary = Vocabulary(tuple(read_json(prepared / "vocabulary.json")["tokens"]))
    settings = read_json(prepared / "summary.json")["standardisation"]
    splits = {name: molecules[molecules["split"] == name] for name in ("train", "validation")}
    for name, rows in splits.items():
        # Two, because the distance that chooses the prior needs a covariance.
        if len(rows) < 2:
            raise DataError(
                f"{prepared}: expected at least 2 molecules in the {name} split, found {len(rows)}; give "
                "`molvae prepare` more molecules, or a larger prepare.validation_fraction"
            )
    stores = {name: TokenStore.from_selfies(rows["selfies"].tolist(), vocabulary) for name, rows in splits.items()}
    torch.manual_seed(derive_seed(seed, "weights"))
    architecture = ModelConfig.model_validate(config.model_dump(include=set(ModelConfig.model_fields)))
    vae = VAE(architecture, len(vocabulary)).to(choose_device(device))
    n_parameters = sum(parameter.numel() for parameter in vae.parameters())
    logger.info(
        "training %d parameters on %d molecules (%d to validate) on %s",
        n_parameters,
        len(stores["train"]),
        len(stores["validation"]),
        next(vae.parameters()).device,
    )
    checkpoint = Checkpoint(out / "resume", _identity(molecules, vocabulary, config, seed))
    history = fit(vae, stores["train"], stores["validation"], config, seed, checkpoint)
    best = min(history, key=lambda row: row["validation_loss"])
    description = {
        "n_molecules": len(stores["train"]),
        "n_parameters": n_parameters,
        "epochs": len(history),
        "best_epoch": int(best["epoch"]),
        "seed": seed,
        "n_threads": torch.get_num_threads(),
        "kl_weight": config.kl_weight,
        "code_dropout": config.code_dropout,
    }
    longest = 1 + max(len(split_selfies(each)) for each in molecules["selfies"])
    model = choose_prior(
        vae,
        vocabulary,
        StandardiseConfig.model_validate(settings),
        description,
        stores["train"],
        splits["validation"]["smiles"].tolist(),
        longest,
        config,
        seed,
        n_jobs,
    )
    write_table(out / "history.csv", pd.DataFrame(history))
    model.save(out / "model")
    checkpoint.remove()
    return model


def _identity(molecules: pd.DataFrame, vocabulary: Vocabulary, config: TrainConfig, seed: int) -> str:
    """Return a hash of all that decides the weights: a checkpoint of another training is not continued."""
    digest = hashlib.sha256(json.dumps([config.model_dump(), vocabulary.tokens, seed]).encode())
    digest.update(pd.util.hash_pandas_object(molecules, index=False).to_numpy().tobytes())
    return digest.hexdigest()
