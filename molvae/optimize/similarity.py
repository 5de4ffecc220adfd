"""Similarity of molecules as the GuacaMol and PMO benchmarks compute it: on unfolded fingerprints, with counts.

Folding a fingerprint to a fixed number of bits raises every similarity, so these values do not compare with those of
folded fingerprints; `ECFP4_bits` is there for the latter.

References:
    Rogers and Hahn, Extended-connectivity fingerprints, Journal of Chemical Information and Modeling 2010,
    doi:10.1021/ci100050t (ECFP4, ECFP6, FCFP4).
    Carhart, Smith and Venkataraghavan, Atom pairs as molecular features in structure-activity studies, Journal of
    Chemical Information and Computer Sciences 1985, doi:10.1021/ci00046a002 (AP).
    Gobbi and Poppinger, Genetic optimization of combinatorial libraries, Biotechnology and Bioengineering 1998,
    doi:10.1002/(SICI)1097-0290(199824)61:1<47::AID-BIT9>3.0.CO;2-Z (PHCO).
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from rdkit.Chem.Pharm2D import Generate, Gobbi_Pharm2D

FingerprintName = Literal["ECFP4", "ECFP6", "FCFP4", "AP", "PHCO", "ECFP4_bits"]

# Longest distance of an atom pair, in bonds.
AP_DISTANCE = 10
FOLDED_BITS = 2048


@cache
def fingerprinter(name: FingerprintName) -> Callable[[Chem.Mol], Any]:
    """Return the function that makes the named fingerprint of a molecule.

    ECFP4, ECFP6 (Morgan, radius 2 and 3), FCFP4 (Morgan by pharmacophore features, radius 2) and AP (atom pairs) count
    their features; PHCO (Gobbi's two-dimensional pharmacophores) and ECFP4_bits (folded to 2,048) are bits.
    """
    make = rdFingerprintGenerator
    function: Callable[[Chem.Mol], Any]
    match name:
        case "ECFP4":
            function = make.GetMorganGenerator(radius=2).GetSparseCountFingerprint
        case "ECFP6":
            function = make.GetMorganGenerator(radius=3).GetSparseCountFingerprint
        case "FCFP4":
            features = make.GetMorganFeatureAtomInvGen()
            function = make.GetMorganGenerator(radius=2, atomInvariantsGenerator=features).GetSparseCountFingerprint
        case "AP":
            function = make.GetAtomPairGenerator(maxDistance=AP_DISTANCE).GetSparseCountFingerprint
        case "PHCO":
            function = _gobbi
        case "ECFP4_bits":
            function = make.GetMorganGenerator(radius=2, fpSize=FOLDED_BITS).GetFingerprint
    return function


def _gobbi(mol: Chem.Mol) -> Any:
    return Generate.Gen2DFingerprint(mol, Gobbi_Pharm2D.factory)  # type: ignore[no-untyped-call]


def similarity_to(reference: Chem.Mol, name: FingerprintName) -> Callable[[Chem.Mol], float]:
    """Return the function that gives a molecule's Tanimoto similarity to `reference`, in [0, 1].

    With counts, Tanimoto is the sum of the smaller over the sum of the larger counts.
    """
    make = fingerprinter(name)
    target = make(reference)
    return lambda mol: DataStructs.TanimotoSimilarity(make(mol), target)
