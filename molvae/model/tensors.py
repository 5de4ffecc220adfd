"""The tensors of a trained model, by their names in `model.safetensors`."""

from collections.abc import Mapping

from torch import Tensor

from molvae.model.discriminator import Discriminator
from molvae.nn.vae import VAE
from molvae.priors import Prior

_ENCODER_EMBEDDING, _DECODER_EMBEDDING = "vae.embedding.weight", "vae.decoder.embedding.weight"


def stored_tensors(
    vae: VAE, priors: Mapping[str, Prior], discriminator: Discriminator | None, *, half: bool
) -> dict[str, Tensor]:
    """Return the tensors to store, of any shape, on the CPU.

    Args:
        vae: The networks.
        priors: The fitted priors by name.
        discriminator: The discriminator, if there is one.
        half: Whether to round float32 to float16.
    """
    tensors = {f"vae.{name}": tensor.cpu().contiguous() for name, tensor in vae.state_dict().items()}
    for name, prior in priors.items():
        tensors |= {f"priors.{name}.{key}": tensor.contiguous() for key, tensor in prior.state().items()}
    if discriminator is not None:
        tensors |= {f"discriminator.{key}": tensor for key, tensor in discriminator.state().items()}
    # The decoder's embedding is the encoder's; safetensors stores no tensor twice.
    del tensors[_DECODER_EMBEDDING]
    return {n: tensor.half() if half and tensor.is_floating_point() else tensor for n, tensor in tensors.items()}


def restored_tensors(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a model from those that were stored, of any shape, in float32."""
    tensors = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in stored.items()}
    return tensors | {_DECODER_EMBEDDING: tensors[_ENCODER_EMBEDDING]}


def tensors_of(part: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors, in the same shapes, of a part such as `vae` or `priors.flow`, by their names in it."""
    prefix = f"{part}."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
