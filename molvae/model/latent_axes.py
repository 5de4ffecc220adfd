"""Two axes through the latent space of a model, on which all stages of a run place molecules alike."""

import math
from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from molvae.chem.descriptors import compute_properties
from molvae.model.model import MolVAE

PROPERTIES = ["qed", "logp", "mol_weight", "sa_score"]
"""Properties that the points of a map can be coloured by."""

# Training molecules that the axes are fitted to.
_N_FITTED = 1000


class LatentAxes:
    """The first two principal components of the codes of training molecules.

    Attributes:
        n: Number of those molecules.
        explained: Fraction of the variance of their codes that each axis has; NaN for fewer than 2 molecules.
    """

    def __init__(self, model: MolVAE, codes: NDArray[np.float32]) -> None:
        """Fit the axes to codes of a model, float32 (N, latent_dim); those of fewer than 2 are the first dimensions."""
        self._model = model
        self.n = len(codes)
        self._centre = codes.mean(axis=0) if self.n else np.zeros(model.latent_dim, np.float32)
        self._directions = np.eye(2, model.latent_dim)
        self.explained = [math.nan, math.nan]
        if self.n > 1:
            pca = PCA(2, svd_solver="full").fit(codes)
            self._directions, self.explained = pca.components_, pca.explained_variance_ratio_.tolist()

    @classmethod
    def fit(cls, model: MolVAE, train: Sequence[str]) -> Self:
        """Fit the axes to training molecules.

        Nothing is drawn at random, so that all stages with the same model and molecules have the same axes.

        Args:
            model: The model.
            train: SMILES of the training molecules, of which at most 1,000 are taken, evenly spaced.
        """
        return cls(model, _read(model, train[:: math.ceil(len(train) / _N_FITTED) or 1])[1])

    def place(self, molecules: pd.DataFrame, n_jobs: int = 1) -> pd.DataFrame:
        """Return a table of molecules with their places on the axes and with `PROPERTIES`.

        Args:
            molecules: Columns id, smiles and split, which names the layer of the map.
            n_jobs: Number of processes.

        Returns:
            See `molvae.tables.LATENT_MAP`; molecules that the model cannot read are left out.
        """
        is_read, codes = _read(self._model, molecules["smiles"].tolist(), n_jobs)
        table = molecules[is_read].reset_index(drop=True)
        table[["x", "y"]] = ((codes - self._centre) @ self._directions.T).astype(np.float64)
        return pd.concat([table, compute_properties(table["smiles"].tolist(), PROPERTIES, n_jobs)], axis=1)


def _read(model: MolVAE, smiles: Sequence[str], n_jobs: int = 1) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return which of N molecules a model can read, bool (N,), and the codes of those M, float32 (M, latent_dim)."""
    codes = model.encode_inputs(model.read(smiles, n_jobs))
    is_read = np.asarray(np.isfinite(codes).all(axis=1))
    return is_read, codes[is_read]
