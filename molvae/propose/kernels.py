"""Kernels between molecules, each on one kind of features, whose weighted sum a Gaussian process fits.

References:
    Ralaivola et al., Graph kernels for chemical informatics, Neural Networks 2005, doi:10.1016/j.neunet.2005.07.009
    (the min-max kernel of counts).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from molvae.chem.count_features import Features, count_fingerprints, size
from molvae.chem.fingerprints import bit_counts, exact_dtype, unpack_bits

KERNELS = ("ecfp4", "fcfp4", "pairs", "torsions", "descriptors", "linear")
"""Min-max kernels of substructure counts; a squared exponential and a linear kernel of descriptors."""

# Mean and standard deviation of each descriptor over drug-like molecules.
_DESCRIPTORS: dict[str, tuple[Callable[[Chem.Mol], float], float, float]] = {
    "heavy atoms": (Chem.Mol.GetNumHeavyAtoms, 24.0, 5.0),
    "rings": (rdMolDescriptors.CalcNumRings, 2.9, 1.0),
    "aromatic rings": (rdMolDescriptors.CalcNumAromaticRings, 1.8, 0.9),
    "saturated rings": (rdMolDescriptors.CalcNumSaturatedRings, 0.8, 0.8),
    "aromatic carbocycles": (rdMolDescriptors.CalcNumAromaticCarbocycles, 1.0, 0.8),
    "aliphatic heterocycles": (rdMolDescriptors.CalcNumAliphaticHeterocycles, 0.7, 0.7),
    "spiro atoms": (rdMolDescriptors.CalcNumSpiroAtoms, 0.0, 0.3),
    "bridgeheads": (rdMolDescriptors.CalcNumBridgeheadAtoms, 0.1, 0.5),
    "rotatable bonds": (rdMolDescriptors.CalcNumRotatableBonds, 4.5, 1.8),
    "donors": (rdMolDescriptors.CalcNumHBD, 1.2, 0.9),
    "acceptors": (rdMolDescriptors.CalcNumHBA, 4.4, 1.5),
    "TPSA": (rdMolDescriptors.CalcTPSA, 65.0, 22.0),
    "sp3 fraction": (rdMolDescriptors.CalcFractionCSP3, 0.4, 0.2),
    "surface": (rdMolDescriptors.CalcLabuteASA, 140.0, 26.0),
    "first kappa": (rdMolDescriptors.CalcKappa1, 17.0, 4.0),
    "Hall-Kier alpha": (rdMolDescriptors.CalcHallKierAlpha, -2.3, 0.9),
    "valence chi 1": (rdMolDescriptors.CalcChi1v, 7.6, 1.7),
}
_CRIPPEN = ((2.5, 1.3), (88.0, 18.0))
"""The same of logP and molar refractivity, which are computed together."""
N_DESCRIPTORS = len(_DESCRIPTORS) + len(_CRIPPEN)
_MEANS, _DEVIATIONS = np.array(
    [*((mean, deviation) for _, mean, deviation in _DESCRIPTORS.values()), *_CRIPPEN], np.float32
).T
_MAX_DEVIATIONS = 5.0
_COUNTS = ("ecfp4", "fcfp4", "pairs", "torsions")


def plate_features(mols: Sequence[Chem.Mol]) -> Features:
    """Compute the features of N sanitised molecules that the kernels compare."""
    rows = [
        [*(function(mol) for function, _, _ in _DESCRIPTORS.values()), *rdMolDescriptors.CalcCrippenDescriptors(mol)]
        for mol in mols
    ]
    descriptors = (np.array(rows, np.float32).reshape(len(rows), N_DESCRIPTORS) - _MEANS) / _DEVIATIONS
    # A macrocycle or a peptide is far from all others, but not so far that it alone decides what is linear.
    clipped = np.clip(np.nan_to_num(descriptors), -_MAX_DEVIATIONS, _MAX_DEVIATIONS)
    return {**{name: count_fingerprints(mols, name) for name in _COUNTS}, "descriptors": clipped}


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
