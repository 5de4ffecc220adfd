"""The checkpoint from which an interrupted training resumes."""

import shutil
from pathlib import Path
from typing import Any

import torch

from molvae.files import replacing
from molvae.log import logger


class Checkpoint:
    """A file, replaced atomically, that belongs to one training: same data, settings and seed."""

    def __init__(self, folder: Path, identity: str) -> None:
        """Keep the checkpoint of the training called `identity` in `folder`."""
        self.folder = folder
        self.identity = identity
        self._file = folder / "checkpoint.pt"

    def save(self, state: dict[str, Any]) -> None:
        """Store tensors and plain values."""
        with replacing(self._file) as temporary:
            torch.save({"identity": self.identity, **state}, temporary)

    def load(self) -> dict[str, Any] | None:
        """Return the last state saved, or None if there is none or it belongs to another training."""
        if not self._file.exists():
            return None
        state: dict[str, Any] = torch.load(self._file, map_location="cpu", weights_only=True)
        if state.pop("identity") != self.identity:
            logger.info("%s belongs to a training with other data or settings; starting anew", self._file)
            return None
        return state

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
