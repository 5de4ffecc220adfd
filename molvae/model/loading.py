"""Read a trained model from its folder."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from molvae.config import ModelConfig, StandardiseConfig
from molvae.errors import CheckpointError
from molvae.files import existing, read_json
from molvae.model.model import FORMAT, Generation, MolVAE
from molvae.model.shipped import model_folder
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
        CheckpointError: If its parts do not fit together.
    """
    folder = model_folder(model)
    config = read_json(folder / "config.json")
    vocabulary = Vocabulary(tuple(read_json(folder / "vocabulary.json")["tokens"]))
    try:
        if config["format"] != FORMAT:
            raise CheckpointError(
                f"{folder}: expected a model of format {FORMAT}, found {config['format']}; train it again, or load it "
                "with the version of molvae that its config.json names"
            )
        stored = load_file(existing(folder / "model.safetensors"))
        # A shipped model is stored in half precision.
        tensors = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in stored.items()}
        tensors["vae.decoder.embedding.weight"] = tensors["vae.embedding.weight"]
        scales = tuple(PropertyScale(**scale) for scale in config["properties"])
        vae = VAE(ModelConfig.model_validate(config["model"]), len(vocabulary), len(scales))
        vae.load_state_dict(_under("vae.", tensors))
        priors = {name: PRIORS[name].from_state(_under(f"priors.{name}.", tensors)) for name in config["priors"]}
        generation = Generation(**config["generation"])
        standardisation = StandardiseConfig.model_validate(config["standardisation"])
    except (KeyError, TypeError, RuntimeError, SafetensorError, ValidationError) as error:
        raise CheckpointError(f"{folder}: expected a whole model, found parts that do not fit ({error})") from error
    vae.to(choose_device(device))
    priors = {name: prior.to(next(vae.parameters()).device) for name, prior in priors.items()}
    return MolVAE(vae, vocabulary, priors, generation, standardisation, _renamed(config["training"]), scales)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _renamed(training: dict[str, Any]) -> dict[str, Any]:
    """Return what a model records of its training by today's names, from those of older models."""
    names = {"max_nats": "max_nll", "rejected_share": "rejected_fraction"}
    trials = [{names.get(key, key): value for key, value in trial.items()} for trial in training["priors"]]
    return training | {"priors": trials}
