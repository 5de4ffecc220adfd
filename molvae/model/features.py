"""Latent codes as features for scikit-learn."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from molvae.errors import DataError
from molvae.files import existing
from molvae.model.loading import load
from molvae.model.model import MODEL_FILES, MolVAE
from molvae.model.shipped import model_folder


class LatentFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer from SMILES to latent codes, for the start of a pipeline.

    There is nothing to fit: the model is trained, and clones of the transformer share it. The features of a molecule
    that the model cannot encode are NaN, which most estimators refuse and some (`HistGradientBoostingRegressor`)
    accept.

    Example:
        make_pipeline(LatentFeatures("zinc250k"), Ridge()).fit(smiles, measured)
    """

    def __init__(self, model: MolVAE | str | Path) -> None:
        """Use the encoder of a model: a loaded one, its folder, or the name of one that comes with molvae."""
        self.model = model

    def fit(self, X: Sequence[str], y: Any = None) -> Self:  # noqa: ARG002, N803
        """Load the model, so that a wrong name is told here, and return self.

        Raises:
            DataError: If `X` is not one-dimensional, there is no such model, or one of its files is missing.
        """
        _column(X)
        self._loaded()
        return self

    def transform(self, X: Sequence[str]) -> NDArray[np.float32]:  # noqa: N803
        """Return posterior means of N SMILES, float32 (N, latent_dim).

        Raises:
            DataError: If `X` is not one-dimensional, there is no such model, or one of its files is missing.
        """
        return self._loaded().encode(_column(X))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names z0, z1, ..., object (latent_dim,)."""
        return np.array([f"z{i}" for i in range(self._loaded().latent_dim)], dtype=object)

    def _loaded(self) -> MolVAE:
        if isinstance(self.model, MolVAE):
            return self.model
        folder = model_folder(self.model)
        return _load_once(folder, *(existing(folder / name).stat().st_mtime_ns for name in MODEL_FILES))

    def __sklearn_is_fitted__(self) -> bool:
        """Return True: no fitting is needed."""
        return True

    def __sklearn_tags__(self) -> Tags:
        """Return what scikit-learn is to expect: a list of strings in, nothing to fit."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []
        return tags

    def __sklearn_clone__(self) -> "LatentFeatures":
        """Return a transformer with the same model, which scikit-learn would copy for every fold."""
        return type(self)(self.model)


def _column(X: Sequence[str]) -> list[str]:  # noqa: N803
    smiles = np.asarray(X, dtype=object)
    if smiles.ndim != 1:
        raise DataError(
            "LatentFeatures: expected a one-dimensional list, array or Series of SMILES, found "
            f"{f'{smiles.ndim} dimensions' if smiles.ndim else 'a single value'}; give one column"
        )
    return [str(text) for text in smiles]


@lru_cache(maxsize=2)
def _load_once(folder: Path, *written: int) -> MolVAE:  # noqa: ARG001 - a model that was trained again is another one
    return load(folder)
