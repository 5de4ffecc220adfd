"""Load a trained model from its folder."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from molvae.config import ModelConfig, StandardiseConfig
from molvae.errors import CheckpointError
from molvae.files import existing, file_sha256, read_json
from molvae.model.discriminator import Discriminator
from molvae.model.format2 import upgraded_config, upgraded_tensors
from molvae.model.model import FORMAT, HASHED_FILES, MolVAE
from molvae.model.records import Generation, TrainingRecord, checked
from molvae.model.shipped import model_folder
from molvae.model.tensors import restored_tensors, tensors_of
from molvae.nn.device import choose_device
from molvae.nn.property_head import PropertyScale
from molvae.nn.vae import VAE
from molvae.priors import PRIORS, Prior
from molvae.vocabulary import Vocabulary

# What other types, shapes, keys and numbers than those of a model come to.
_UNFIT = (
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    OSError,
    RuntimeError,
    SafetensorError,
)


def load(model: str | Path, device: str = "auto") -> MolVAE:
    """Load a trained model.

    Args:
        model: The model's folder, as `molvae train` wrote it, or the name of one that comes with molvae.
        device: `auto` (a CUDA GPU if there is one), `cpu` or `cuda`.

    Raises:
        DataError: If there is no such model or one of its files is missing.
        CheckpointError: If its format is unknown, a file is not the one that was saved, or the parts do not fit.
    """
    folder = model_folder(model)
    config = read_json(folder / "config.json", ["format"])
    if config["format"] not in (2, FORMAT):
        raise CheckpointError(
            f"{folder}: expected a model of format 2 or {FORMAT}, found {config['format']!r}; train it again, or load "
            "it with the version of molvae that its config.json names"
        )
    _check_files(folder, config.get("sha256"))
    vocabulary = Vocabulary.read(folder / "vocabulary.json")
    weights = existing(folder / "model.safetensors")
    try:
        return _assembled(config, vocabulary, load_file(weights), choose_device(device))
    except _UNFIT as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{folder}: expected a whole model, found parts that do not fit ({reason})") from error


def _check_files(folder: Path, checksums: object) -> None:
    """Refuse files that are not those that were saved; models of molvae 0.1 have no checksums."""
    if not isinstance(checksums, dict):
        return
    for name in HASHED_FILES:
        if file_sha256(folder / name) != checksums.get(name):
            raise CheckpointError(
                f"{folder / name}: expected the file that was saved with this model, found another or a damaged one, "
                "by its SHA-256 in config.json; copy or train the model again"
            )


def _assembled(
    config: dict[str, Any], vocabulary: Vocabulary, tensors: dict[str, Tensor], device: torch.device
) -> MolVAE:
    """Return the model of a folder's contents, of either format."""
    _require_finite(tensors)
    if config["format"] == 2:
        config, tensors = upgraded_config(config), upgraded_tensors(tensors)
    tensors = restored_tensors(tensors)
    scales = tuple(checked(PropertyScale(**scale)) for scale in config["properties"])
    architecture = ModelConfig.model_validate(config["model"])
    _require_shapes(architecture, len(vocabulary), len(scales), tensors_of("vae", tensors))
    vae = VAE(architecture, len(vocabulary), len(scales))
    vae.load_state_dict(tensors_of("vae", tensors))
    return MolVAE(
        vae.to(device),
        vocabulary,
        {name: _prior(name, tensors, architecture.latent_dim).to(device) for name in config["priors"]},
        checked(Generation(**config["generation"])),
        StandardiseConfig.model_validate(config["standardisation"]),
        checked(TrainingRecord.from_json(config["training"])),
        scales,
        Discriminator.from_state(discriminator) if (discriminator := tensors_of("discriminator", tensors)) else None,
    )


def _require_finite(tensors: dict[str, Tensor]) -> None:
    """Refuse weights of a type that molvae does not store, and weights that are not numbers."""
    for name, tensor in tensors.items():
        is_count = name.endswith(".latent_dim")
        if tensor.dtype not in ((torch.int64,) if is_count else (torch.float32, torch.float16)):
            raise ValueError(f"{name}: expected float32 or float16, found {tensor.dtype}")
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name}: expected finite weights, found infinite ones or not-a-number")


def _require_shapes(config: ModelConfig, n_tokens: int, n_properties: int, weights: dict[str, Tensor]) -> None:
    """Compare the shapes of networks with those of weights, before memory is taken for more than the weights have."""
    with torch.device("meta"):
        expected = {name: weight.shape for name, weight in VAE(config, n_tokens, n_properties).state_dict().items()}
    for name in sorted(expected.keys() | weights.keys()):
        shapes = [None if shape is None else tuple(shape) for shape in (expected.get(name), _shape(weights.get(name)))]
        if shapes[0] != shapes[1]:
            raise ValueError(f"vae.{name}: expected the shape {shapes[0]} by config.json, found {shapes[1]}")


def _shape(weight: Tensor | None) -> torch.Size | None:
    return None if weight is None else weight.shape


def _prior(name: str, tensors: dict[str, Tensor], latent_dim: int) -> Prior:
    """Return a prior whose codes have the size that the networks expect."""
    prior = PRIORS[name].from_state(tensors_of(f"priors.{name}", tensors))
    if prior.latent_dim != latent_dim:
        raise ValueError(f"priors.{name}: expected codes of size {latent_dim}, found {prior.latent_dim}")
    return prior
