"""Priors over latent codes: the distributions that sampling draws its codes from.

A VAE with a low KL weight reconstructs well, but its codes do not follow N(0, I), so that samples from there are poor.
The priors here are fitted after training, and the one with the lowest validation FCD becomes the model's default.

Every module of the package registers its prior; none is listed here.
"""

import importlib
import pkgutil

from molvae.priors.base import PRIORS, Prior

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)

__all__ = ["PRIORS", "Prior"]
