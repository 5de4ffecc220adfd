"""The checkpoint from which an interrupted training resumes."""

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from molvae.files import replacing
from molvae.log import logger

_DIGEST_BYTES = hashlib.sha256().digest_size


class Checkpoint:
    """A file, replaced atomically, that belongs to one training: same data, settings, seed and version.

    It begins with the SHA-256 of the rest, because a damaged one may be readable and train to other weights.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        """Keep the checkpoint of the training called `identity` in `folder`."""
        self.identity = identity
        self._file = folder / "checkpoint.pt"

    def save(self, state: dict[str, Any]) -> None:
        """Store tensors and plain values."""
        # Not straight to the file: on a full disk PyTorch raises an error that does not say so.
        buffer = io.BytesIO()
        torch.save({"identity": self.identity, **state}, buffer)
        content = buffer.getbuffer()
        with replacing(self._file) as temporary, temporary.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)

    def load(self) -> dict[str, Any] | None:
        """Return the last state saved, or None if there is none, it is damaged, or it belongs to another training."""
        if not self._file.is_file():
            return None
        content = memoryview(self._file.read_bytes())
        digest, content = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if digest != hashlib.sha256(content).digest():
            logger.warning("%s: expected a checkpoint, found a damaged file; starting over", self._file)
            return None
        state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if state.pop("identity") != self.identity:
            logger.info("%s belongs to a training with other data, settings or version; starting over", self._file)
            return None
        return state
