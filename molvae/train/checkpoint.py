"""The checkpoint from which an interrupted training resumes."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from molvae.files import replacing
from molvae.log import logger

CHECKPOINT = "checkpoint.bin"

_DIGEST_BYTES = hashlib.sha256().digest_size
# The name of the plain values, as JSON, among the tensors.
_VALUES = "values"


class Checkpoint:
    """A file, replaced atomically, that belongs to one training: same data, settings, seed and version.

    It is the SHA-256 of the rest, because a damaged one may be readable and train to other weights, and then a
    safetensors file, which unlike a pickle runs no code.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        """Keep the checkpoint of the training called `identity` in `folder`."""
        self.identity = identity
        self._file = folder / CHECKPOINT

    def save(self, state: dict[str, Any]) -> None:
        """Store tensors and plain values, in lists, tuples and dictionaries."""
        tensors: list[Tensor] = []
        values = json.dumps(_plain({"identity": self.identity, **state}, tensors)).encode()
        named = {str(number): tensor for number, tensor in enumerate(tensors)}
        content = save(named | {_VALUES: torch.frombuffer(bytearray(values), dtype=torch.uint8)})
        with replacing(self._file) as temporary, temporary.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)

    def load(self) -> dict[str, Any] | None:
        """Return the last state saved, or None if there is none, it is damaged, or it belongs to another training."""
        if not self._file.is_file():
            return None
        whole = self._file.read_bytes()
        digest, content = whole[:_DIGEST_BYTES], whole[_DIGEST_BYTES:]
        if digest != hashlib.sha256(content).digest():
            logger.warning("%s: expected a checkpoint, found a damaged file; starting over", self._file)
            return None
        tensors = load(content)
        state: dict[str, Any] = _restored(json.loads(tensors[_VALUES].numpy().tobytes()), tensors)
        if state.pop("identity") != self.identity:
            logger.info("%s belongs to a training with other data, settings or version; starting over", self._file)
            return None
        return state


def _plain(value: Any, tensors: list[Tensor]) -> Any:
    """Return a value as JSON has it: a tensor by its number among `tensors`, and what JSON lacks by its kind."""
    if isinstance(value, Tensor):
        # A copy, since safetensors stores no memory twice, and weights may share theirs.
        tensors.append(value.detach().cpu().clone(memory_format=torch.contiguous_format))
        return {"tensor": len(tensors) - 1}
    if isinstance(value, dict):
        return {"dict": [[_plain(key, tensors), _plain(item, tensors)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_plain(item, tensors) for item in value]}
    return [_plain(item, tensors) for item in value] if isinstance(value, list) else value


def _restored(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Return what `_plain` was given."""
    if isinstance(value, list):
        return [_restored(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    [(kind, content)] = value.items()
    if kind == "tensor":
        return tensors[str(content)]
    if kind == "tuple":
        return tuple(_restored(item, tensors) for item in content)
    return {_restored(key, tensors): _restored(item, tensors) for key, item in content}
