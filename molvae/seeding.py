"""One run seed, and from it an independent stream for every purpose.

A stream is named by its purpose ("split", "shuffle", "sample", ...), so that adding random draws in one place does not
change those in another.
"""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def derive_seed(seed: int, purpose: str) -> int:
    """Return a 63-bit seed for `purpose`, the same for the same run seed on every machine."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def numpy_generator(seed: int, purpose: str) -> np.random.Generator:
    """Return NumPy's generator for `purpose`."""
    return np.random.default_rng(derive_seed(seed, purpose))


def torch_generator(seed: int, purpose: str, device: "torch.device | str" = "cpu") -> "torch.Generator":
    """Return a torch generator for `purpose` on `device`."""
    import torch

    return torch.Generator(device=device).manual_seed(derive_seed(seed, purpose))
