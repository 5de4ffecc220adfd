"""Predicts properties of a molecule from its code."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from molvae.config import ModelConfig
from molvae.nn.cells import activation
from molvae.nn.losses import mean


@dataclass(frozen=True)
class PropertyScale:
    """A property of the head, and how its values become numbers around 0 of size 1.

    Attributes:
        name: Its name.
        unit: Its unit; empty for counts and scores.
        mean: Mean over the training molecules, in the unit.
        std: Standard deviation over the training molecules, in the unit.
    """

    name: str
    unit: str
    mean: float
    std: float


class PropertyHead(nn.Sequential):
    """A layer on the code, and one with an output for each property in units of its standard deviation.

    It learns from the draw that the decoder is given, not from the posterior mean as Gomez-Bombarelli et al. do it:
    what is predicted should hold for all codes that stand for the same molecule, and a search meets such codes, not
    means. On 1,700 molecules (one seed), held-out QED was predicted better (R2 0.30 from means and 0.28 from draws,
    against 0.26 and 0.20 of a head that learned from means), and logP as well from means and better from draws.

    References:
        Gomez-Bombarelli et al., Automatic chemical design using a data-driven continuous representation of molecules,
        ACS Central Science 2018, doi:10.1021/acscentsci.7b00572.
    """

    def __init__(self, config: ModelConfig, n_properties: int) -> None:
        """Make the layers for a configuration."""
        super().__init__(
            nn.Linear(config.latent_dim, config.encoder_hidden),
            activation(config),
            nn.Dropout(config.dropout),
            nn.Linear(config.encoder_hidden, n_properties),
        )


def property_loss(predicted: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Return the loss of predicted properties: for a normal distribution of standard deviation 1, without its constant.

    Args:
        predicted: float (B, P).
        targets: float (B, P), NaN where a property was not measured.
        weights: Weight of each property, float (P,).

    Returns:
        Half the squared error, weighted and summed over the properties measured, as a mean over molecules; scalar.
    """
    error = torch.where(targets.isnan(), 0.0, predicted - targets.nan_to_num())
    return mean((0.5 * weights * error.square()).sum(1))
