"""Load a trained model from its folder."""

from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from molvae.config import ModelConfig, StandardiseConfig
from molvae.errors import CheckpointError
from molvae.files import existing, read_json
from molvae.model.format2 import upgraded_config, upgraded_tensors
from molvae.model.model import FORMAT, MolVAE
from molvae.model.records import Generation, TrainingRecord
from molvae.model.shipped import model_folder
from molvae.model.tensors import restored_tensors, tensors_of
from molvae.nn.device import choose_device
from molvae.nn.property_head import PropertyScale
from molvae.nn.vae import VAE
from molvae.priors import PRIORS
from molvae.vocabulary import Vocabulary


def load(model: str | Path, device: str = "auto") -> MolVAE:
    """Load a trained model.

    Args:
        model: The model's folder, as `molvae train` wrote it, or the name of one that comes with molvae.
        device: `auto` (a CUDA GPU if there is one), `cpu` or `cuda`.

    Raises:
        DataError: If there is no such model or one of its files is missing.
        CheckpointError: If its parts do not fit together, or its format is unknown.
    """
    folder = model_folder(model)
    config = read_json(folder / "config.json", ["format"])
    if config["format"] not in (2, FORMAT):
        raise CheckpointError(
            f"{folder}: expected a model of format 2 or {FORMAT}, found {config['format']}; train it again, or load it "
            "with the version of molvae that its config.json names"
        )
    vocabulary = Vocabulary(tuple(read_json(folder / "vocabulary.json")["tokens"]))
    weights = existing(folder / "model.safetensors")
    try:
        return _assembled(config, vocabulary, load_file(weights), choose_device(device))
    except (KeyError, TypeError, RuntimeError, SafetensorError, ValidationError) as error:
        raise CheckpointError(f"{folder}: expected a whole model, found parts that do not fit ({error})") from error


def _assembled(
    config: dict[str, Any], vocabulary: Vocabulary, tensors: dict[str, Tensor], device: torch.device
) -> MolVAE:
    """Return the model of a folder's contents, of either format."""
    if config["format"] == 2:
        config, tensors = upgraded_config(config), upgraded_tensors(tensors)
    tensors = restored_tensors(tensors)
    scales = tuple(PropertyScale(**scale) for scale in config["properties"])
    vae = VAE(ModelConfig.model_validate(config["model"]), len(vocabulary), len(scales))
    vae.load_state_dict(tensors_of("vae", tensors))
    return MolVAE(
        vae.to(device),
        vocabulary,
        {name: PRIORS[name].from_state(tensors_of(f"priors.{name}", tensors)).to(device) for name in config["priors"]},
        Generation(**config["generation"]),
        StandardiseConfig.model_validate(config["standardisation"]),
        TrainingRecord.from_json(config["training"]),
        scales,
    )
