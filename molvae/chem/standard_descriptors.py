"""Descriptors of size, shape and polarity on a common scale: in standard deviations of drug-like molecules."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

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
# A macrocycle or a peptide is far from all others, but not so far that it alone decides what is linear.
_MAX_DEVIATIONS = 5.0


def standard_descriptors(mols: Sequence[Chem.Mol]) -> NDArray[np.float32]:
    """Return the descriptors of N sanitised molecules, less their means and in deviations, float32 (N, N_DESCRIPTORS).

    They are 5 deviations from the mean at most, and 0 where they are not defined.
    """
    rows = [
        [*(function(mol) for function, _, _ in _DESCRIPTORS.values()), *rdMolDescriptors.CalcCrippenDescriptors(mol)]
        for mol in mols
    ]
    descriptors = (np.array(rows, np.float32).reshape(len(rows), N_DESCRIPTORS) - _MEANS) / _DEVIATIONS
    return np.asarray(np.clip(np.nan_to_num(descriptors), -_MAX_DEVIATIONS, _MAX_DEVIATIONS), dtype=np.float32)
