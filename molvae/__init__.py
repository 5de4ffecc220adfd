"""molvae: a recurrent VAE over SELFIES that generates, optimises and scores molecules.

    import molvae
    model = molvae.load("results/demo/train/model")
    model.sample(1000, seed=1)

Importing the package loads neither torch nor RDKit; they are imported on first use.
"""

from typing import TYPE_CHECKING, Any

from molvae.version import __version__

if TYPE_CHECKING:
    from molvae.model.features import LatentFeatures
    from molvae.model.loading import load
    from molvae.model.model import MolVAE
    from molvae.propose.face import propose

__all__ = ["LatentFeatures", "MolVAE", "__version__", "load", "propose"]

_HOMES = {
    "LatentFeatures": "molvae.model.features",
    "MolVAE": "molvae.model.model",
    "load": "molvae.model.loading",
    "propose": "molvae.propose.face",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'molvae' has no attribute {name!r}")
