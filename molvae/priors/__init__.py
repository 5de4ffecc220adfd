"""Priors over latent codes: where sampling takes its codes from.

A VAE with a low KL weight reconstructs well, but its codes do not follow N(0, I), so samples from there are poor. The
priors here are fitted after training, and the best by validation FCD becomes the model's own.
"""

from molvae.priors.base import PRIORS, Prior
from molvae.priors.decoder import DecoderPrior
from molvae.priors.flow import FlowPrior
from molvae.priors.gaussian_mixture import GaussianMixturePrior
from molvae.priors.normal import NormalPrior

__all__ = ["PRIORS", "DecoderPrior", "FlowPrior", "GaussianMixturePrior", "NormalPrior", "Prior"]
