"""The folder from which a killed training goes on."""

import shutil
from pathlib import Path
from typing import Any

import torch

from molvae.files import replacing
from molvae.log import logger


class Checkpoint:
    """One file, replaced as a whole each time, that belongs to one training: same data, settings and seed."""

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
        """Return what was saved last, or None if there is nothing or it belongs to another training."""
        if not self._file.exists():
            return None
        state: dict[str, Any] = torch.load(self._file, map_location="cpu", weights_only=True)
        if state.pop("identity") != self.identity:
            logger.info("%s is of a training with other data or settings; starting anew", self._file)
            return None
        return state

    def remove(self) -> None:
        """Tidy the folder away."""
        shutil.rmtree(self.folder, ignore_errors=True)
