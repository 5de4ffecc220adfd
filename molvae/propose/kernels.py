"""Kernels between molecules, each on one kind of features, whose weighted sum a Gaussian process fits.

References:
    Ralaivola et al., Graph kernels for chemical informatics, Neural Networks 2005, doi:10.1016/j.neunet.2005.07.009
    (the min-max kernel of counts).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.count_features import Features, count_fingerprints, size
from molvae.chem.fingerprints import bit_counts, exact_dtype, unpack_bits
from molvae.chem.standard_descriptors import N_DESCRIPTORS, standard_descriptors

KERNELS = ("ecfp4", "fcfp4", "pairs", "torsions", "descriptors", "linear")
"""Min-max kernels of substructure counts; a squared exponential and a linear kernel of descriptors."""

_COUNTS = ("ecfp4", "fcfp4", "pairs", "torsions")


def plate_features(mols: Sequence[Chem.Mol]) -> Features:
    """Compute the features of N sanitised molecules that the kernels compare."""
    return {**{name: count_fingerprints(mols, name) for name in _COUNTS}, "descriptors": standard_descriptors(mols)}


class References:
    """Molecules that others are compared with."""

    def __init__(self, features: Features) -> None:
        """Unpack the features of N molecules."""
        self._counts = {name: bit_counts(features[name]) for name in _COUNTS}
        self._bits = {name: unpack_bits(features[name], exact_dtype(counts)) for name, counts in self._counts.items()}
        self._descriptors = torch.from_numpy(features["descriptors"])

    def similarities(self, others: Features, weights: Mapping[str, float]) -> NDArray[np.float32]:
        """Return the weighted sum of kernels between M other molecules and these N, float32 (M, N)."""
        total = torch.zeros(size(others), len(self._descriptors))
        for name, weight in weights.items():
            total += weight * self.kernel(name, others)
        return total.numpy()

    def kernel(self, name: str, others: Features) -> torch.Tensor:
        """Return one of `KERNELS` between M other molecules and these N, float32 (M, N)."""
        if name in _COUNTS:
            bits = self._bits[name]
            # Common bits are at most those of the references, so that the product is exact.
            common = (unpack_bits(others[name], bits.dtype) @ bits.T).float()
            sums = torch.from_numpy(bit_counts(others[name])[:, None] + self._counts[name][None, :])
            return common / (sums - common).clamp(min=1.0)
        descriptors = torch.from_numpy(others["descriptors"])
        if name == "linear":
            return descriptors @ self._descriptors.T / N_DESCRIPTORS
        return torch.exp(-0.5 * torch.cdist(descriptors, self._descriptors).square() / N_DESCRIPTORS)


def prior_variances(features: Features, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Return the weighted sum of kernels between each of N molecules and itself, float64 (N,)."""
    squares = np.square(features["descriptors"], dtype=np.float64).mean(axis=1)
    return np.asarray(sum(weight * (squares if name == "linear" else 1.0) for name, weight in weights.items()))
