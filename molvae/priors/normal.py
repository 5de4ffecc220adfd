"""The standard normal prior, which the KL term regularises towards; kept for comparison."""

from typing import Self

import torch
from torch import Tensor

from molvae.config import TrainConfig
from molvae.priors.base import PRIORS, Prior


@PRIORS.register("normal")
class NormalPrior(Prior):
    """N(0, I)."""

    title = "Standard normal"
    phrase = "the standard normal prior"
    fits_codes = False

    def __init__(self, latent_dim: int) -> None:
        """Make the prior over codes of size `latent_dim`."""
        self.latent_dim = latent_dim

    @classmethod
    def fit(cls, codes: Tensor, config: TrainConfig, seed: int) -> Self:  # noqa: ARG003
        """Take the size D of codes (N, D); there is nothing to fit."""
        return cls(codes.shape[1])

    def sample(self, n: int, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Sample codes, float32 (n, D)."""
        return temperature * torch.randn(n, self.latent_dim, generator=generator)

    def state(self) -> dict[str, Tensor]:
        """Return the size of the codes, a scalar."""
        return {"latent_dim": torch.tensor(self.latent_dim)}

    @classmethod
    def from_state(cls, state: dict[str, Tensor]) -> Self:
        """Restore the prior from `state()`, a scalar."""
        return cls(int(state["latent_dim"]))
