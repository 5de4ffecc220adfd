"""The unconditional decoder as a prior."""

from typing import Self

import torch
from torch import Tensor

from molvae.config import TrainConfig
from molvae.priors.base import PRIORS, Prior


@PRIORS.register("decoder")
class DecoderPrior(Prior):
    """Always z = 0, at which the decoder is an unconditional language model.

    In training the code of a fraction of the molecules is replaced by zero (`train.code_dropout`), so that the decoder
    learns to model the same molecules unconditionally. The code of a sample is what the encoder returns for it, so that
    codes follow the aggregate posterior by construction.
    """

    title = "Unconditional decoder"
    phrase = "the unconditional decoder"
    fits_codes = False

    def __init__(self, latent_dim: int) -> None:
        """Make the prior over codes of size `latent_dim`."""
        self.latent_dim = latent_dim

    @classmethod
    def fit(cls, codes: Tensor, config: TrainConfig, seed: int) -> Self:  # noqa: ARG003
        """Take the size D of codes (N, D); the decoder was fitted in training."""
        return cls(codes.shape[1])

    def sample(self, n: int, generator: torch.Generator, temperature: float = 1.0) -> Tensor:  # noqa: ARG002
        """Return zeros, float32 (n, D); the samples differ by the decoder's tokens alone."""
        return torch.zeros(n, self.latent_dim)

    def state(self) -> dict[str, Tensor]:
        """Return the size of the codes, a scalar."""
        return {"latent_dim": torch.tensor(self.latent_dim)}

    @classmethod
    def from_state(cls, state: dict[str, Tensor]) -> Self:
        """Restore the prior from `state()`, a scalar."""
        return cls(int(state["latent_dim"]))
