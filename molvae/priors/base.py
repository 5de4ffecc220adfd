"""What every prior offers."""

from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor

from molvae.config import TrainConfig
from molvae.registry import Registry


class Prior(ABC):
    """A distribution of codes that the decoder is given to generate from."""

    @classmethod
    @abstractmethod
    def fit(cls, codes: Tensor, config: TrainConfig, seed: int) -> Self:
        """Fit to codes of training molecules.

        Args:
            codes: One posterior sample a molecule, float32 (N, D), on the CPU.
            config: The settings of the train stage.
            seed: The run's seed.
        """

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw codes, float32 (n, D), on the CPU."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Return the parameters by name, as they are stored with the model."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, Tensor]) -> Self:
        """Make the prior again from `state()`."""


PRIORS: Registry[type[Prior]] = Registry("prior")
