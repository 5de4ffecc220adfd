"""molvae: a recurrent VAE over SELFIES that generates, optimises and scores molecules.

    import molvae
    model = molvae.load("results/demo/train/model")
    model.sample(1000, seed=1)

Importing the package loads neither torch nor RDKit; they are imported on first use.
"""

from typing import TYPE_CHECKING, Any

from molvae.version import __version__

if TYPE_CHECKING:
    from molvae.learned.folder import load as load_learned
    from molvae.learned.table import learn
    from molvae.model.features import LatentFeatures
    from molvae.model.loading import load
    from molvae.model.model import MolVAE
    from molvae.propose.face import propose

__all__ = ["LatentFeatures", "MolVAE", "__version__", "learn", "load", "load_learned", "propose"]

_HOMES = {
    "LatentFeatures": ("molvae.model.features", "LatentFeatures"),
    "MolVAE": ("molvae.model.model", "MolVAE"),
    "learn": ("molvae.learned.table", "learn"),
    "load": ("molvae.model.loading", "load"),
    "load_learned": ("molvae.learned.folder", "load"),
    "propose": ("molvae.propose.face", "propose"),
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        import importlib

        module, attribute = _HOMES[name]
        return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'molvae' has no attribute {name!r}")
