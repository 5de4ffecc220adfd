"""The decoder's own prior."""

from typing import Self

import torch
from torch import Tensor

from molvae.config import TrainConfig
from molvae.priors.base import PRIORS, Prior


@PRIORS.register("decoder")
class DecoderPrior(Prior):
    """Always z = 0: what the decoder writes without a code.

    In training the code of a share of the molecules is replaced by zero (`train.code_dropout`), which makes the
    decoder without a code an unconditional model of the same molecules. The code of a sample, where one is wanted, is
    what the encoder gives for it, so that codes follow the aggregate posterior by construction.
    """

    def __init__(self, latent_dim: int) -> None:
        """Make the prior over codes of a size."""
        self.latent_dim = latent_dim

    @classmethod
    def fit(cls, codes: Tensor, config: TrainConfig, seed: int) -> Self:  # noqa: ARG003
        """Take the size of the codes; the fitting was done in training."""
        return cls(codes.shape[1])

    def sample(self, n: int, generator: torch.Generator, temperature: float = 1.0) -> Tensor:  # noqa: ARG002
        """Return zeros, float32 (n, D); the chance is in the decoder's tokens."""
        return torch.zeros(n, self.latent_dim)

    def state(self) -> dict[str, Tensor]:
        """Return the size of the codes."""
        return {"latent_dim": torch.tensor(self.latent_dim)}

    @classmethod
    def from_state(cls, state: dict[str, Tensor]) -> Self:
        """Make the prior again from `state()`."""
        return cls(int(state["latent_dim"]))
