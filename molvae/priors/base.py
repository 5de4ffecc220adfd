"""The interface of priors."""

from abc import ABC, abstractmethod
from typing import ClassVar, Self

import torch
from torch import Tensor

from molvae.config import TrainConfig
from molvae.registry import Registry


class Prior(ABC):
    """A distribution of latent codes to generate from."""

    title: ClassVar[str]
    """Its title in tables."""
    phrase: ClassVar[str]
    """What a sentence calls it."""
    latent_dim: int
    """Size D of its codes."""
    fits_codes: ClassVar[bool] = True
    """Whether `fit` depends on more of the codes than their size."""

    @classmethod
    @abstractmethod
    def fit(cls, codes: Tensor, config: TrainConfig, seed: int) -> Self:
        """Fit to codes of training molecules.

        Args:
            codes: Posterior samples of training molecules in random order, float32 (N, D), on the device to compute on.
            config: The settings of the train stage.
            seed: The run's seed.
        """

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Sample codes.

        Args:
            n: Number of codes.
            generator: Random number generator on the CPU.
            temperature: Scale of the Gaussian noise that the codes are made from; below 1 they stay closer to where
                codes are dense. Without effect on a prior that has no noise.

        Returns:
            float32 (n, D), on the CPU.
        """

    def to(self, device: torch.device) -> Self:  # noqa: ARG002
        """Move to a device; most priors are cheap enough for the CPU and stay there."""
        return self

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Return the parameters by name, on the CPU, in any shape, as they are stored with the model."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, Tensor]) -> Self:
        """Restore the prior from the parameters that `state()` gave, in the same shapes.

        Raises:
            KeyError, RuntimeError, ValueError: If they are not such parameters.
        """


PRIORS: Registry[type[Prior]] = Registry("prior")
