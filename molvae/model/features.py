"""Latent codes as features for scikit-learn."""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from molvae.model.model import MolVAE


class LatentFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer from SMILES to latent codes, for the start of a pipeline.

    There is nothing to fit: the model is trained, and clones of the transformer share it. The features of a molecule
    that the model cannot encode are NaN, which most estimators refuse and some (`HistGradientBoostingRegressor`)
    accept.

    Example:
        make_pipeline(LatentFeatures(molvae.load(folder)), Ridge()).fit(smiles, measured)
    """

    def __init__(self, model: MolVAE) -> None:
        """Use the encoder of `model`."""
        self.model = model

    def fit(self, X: Iterable[str], y: Any = None) -> Self:  # noqa: ARG002, N803
        """Return self."""
        return self

    def transform(self, X: Iterable[str]) -> NDArray[np.float32]:  # noqa: N803
        """Return posterior means of N SMILES, float32 (N, latent_dim)."""
        return self.model.encode([str(smiles) for smiles in X])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names z0, z1, ..., object (latent_dim,)."""
        return np.array([f"z{i}" for i in range(self.model.latent_dim)], dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        """Return True: no fitting is needed."""
        return True

    def __sklearn_clone__(self) -> "LatentFeatures":
        """Return a transformer with the same model, which scikit-learn would copy for every fold."""
        return type(self)(self.model)
