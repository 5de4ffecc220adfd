"""Models of format 2, read as models of format 3."""

from typing import Any

from torch import Tensor

_TRIAL_KEYS = {"max_nats": "max_nll", "rejected_share": "rejected_fraction"}
_FLOW_LAYERS = {
    "inward": "input_layer",
    "times": "time_mlp",
    "wide": "fc1",
    "narrow": "fc2",
    "outward": "output_layer",
}


def upgraded_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return the content of `config.json` in format 3.

    Format 2 had other names for the trials and two of their values, and left out the sampling parameters that all
    trials have in common.
    """
    training = dict(config["training"])
    common = {"temperature": 1.0, "max_length": config["generation"]["max_length"], "prior_temperature": 1.0}
    trials = [
        common | {_TRIAL_KEYS.get(key, key): value for key, value in trial.items()} for trial in training.pop("priors")
    ]
    return config | {"format": 3, "training": training | {"trials": trials}}


def upgraded_tensors(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of `model.safetensors`, in the same shapes, by their names in format 3: the flow's differ."""
    return {_upgraded_name(name): tensor for name, tensor in tensors.items()}


def _upgraded_name(name: str) -> str:
    prefix = "priors.flow.velocity."
    if not name.startswith(prefix):
        return name
    layer, dot, rest = name.removeprefix(prefix).partition(".")
    return f"{prefix}{_FLOW_LAYERS.get(layer, layer)}{dot}{rest}"
