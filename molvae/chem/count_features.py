"""Numerical features of molecules for kernels: counts of substructures, composition and physicochemical descriptors."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

from molvae.chem.fingerprints import PackedBits

N_BITS = 4096
COUNTS = ("ecfp6", "fcfp4", "pairs")
FEATURES = (*COUNTS, "composition", "descriptors")
_ELEMENTS = ("C", "N", "O", "F", "P", "S", "Cl", "Br", "I")
_FORMULA = re.compile(r"([A-Z][a-z]?)(\d*)")
N_ELEMENTS, N_DESCRIPTORS = 10, 8
_HYDROGEN_SCALE = 4.0
# A large odd factor spreads neighbouring numbers over all bits (multiplicative hashing).
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_SPREAD_COUNT = np.uint64(0xC2B2AE3D27D4EB4F)


Features = dict[str, NDArray[Any]]
"""Some of the features of N molecules by their names: a row of each array is a molecule."""


def count_fingerprints(mols: Sequence[Chem.Mol], name: str) -> PackedBits:
    """Return counts of substructures of N molecules in unary: packed bits, uint8 (N, N_BITS // 8).

    Args:
        mols: The molecules.
        name: `ecfp4`, `ecfp6`, `fcfp4`, `pairs` (atom pairs) or `torsions` (topological torsions).
    """
    generator = _generators()[name]
    return _unary_bits([generator.GetSparseCountFingerprint(mol).GetNonzeroElements() for mol in mols])


@cache
def _generators() -> dict[str, rdFingerprintGenerator.FingerprintGenerator64]:
    features = rdFingerprintGenerator.GetMorganFeatureAtomInvGen()
    return {
        "ecfp4": rdFingerprintGenerator.GetMorganGenerator(radius=2),
        "ecfp6": rdFingerprintGenerator.GetMorganGenerator(radius=3),
        "fcfp4": rdFingerprintGenerator.GetMorganGenerator(radius=2, atomInvariantsGenerator=features),
        "pairs": rdFingerprintGenerator.GetAtomPairGenerator(),
        "torsions": rdFingerprintGenerator.GetTopologicalTorsionGenerator(),
    }


def compute_features(mols: Sequence[Chem.Mol], names: Iterable[str] = FEATURES) -> Features:
    """Compute features of N sanitised molecules.

    Args:
        mols: The molecules.
        names: Which of `FEATURES`.
    """
    return {name: _compute(mols, name) for name in names}


def features_of_smiles(smiles: Sequence[str], names: Iterable[str] = FEATURES) -> Features:
    """Compute features of N molecules, given as valid SMILES."""
    return compute_features([Chem.MolFromSmiles(text) for text in smiles], names)


def _compute(mols: Sequence[Chem.Mol], name: str) -> NDArray[Any]:
    if name in COUNTS:
        return count_fingerprints(mols, name)
    width, function = (N_ELEMENTS, _composition) if name == "composition" else (N_DESCRIPTORS, _descriptors)
    return np.array([function(mol) for mol in mols], np.float32).reshape(len(mols), width)


def join(parts: Sequence[Features]) -> Features:
    """Put the molecules of several parts one after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def size(features: Features) -> int:
    """Return the number of molecules."""
    return len(next(iter(features.values())))


def take(features: Features, rows: NDArray[np.integer[Any]] | Sequence[int] | slice) -> Features:
    """Return the features of some of the molecules."""
    index = rows if isinstance(rows, slice) else np.asarray(rows, dtype=np.int64)
    return {name: column[index] for name, column in features.items()}


def _unary_bits(counts: Sequence[dict[int, int]]) -> PackedBits:
    """Write counts in unary and fold them to N_BITS bits: packed bits, uint8 (N, N_BITS // 8)."""
    rows = np.repeat(np.arange(len(counts)), [len(of_one) for of_one in counts])
    keys = np.fromiter((key for of_one in counts for key in of_one), np.uint64, len(rows))
    numbers = np.fromiter((n for of_one in counts for n in of_one.values()), np.int64, len(rows))
    starts = np.cumsum(numbers) - numbers
    levels = (np.arange(numbers.sum()) - np.repeat(starts, numbers)).astype(np.uint64)
    mixed = np.repeat(keys + np.uint64(1), numbers) * _SPREAD + levels * _SPREAD_COUNT
    mixed ^= mixed >> np.uint64(31)
    columns = (mixed * _SPREAD) >> np.uint64(64 - N_BITS.bit_length() + 1)
    bits = np.zeros((len(counts), N_BITS), dtype=bool)
    bits[np.repeat(rows, numbers), columns.astype(np.int64)] = True
    return np.packbits(bits, axis=1, bitorder="little")


def _composition(mol: Chem.Mol) -> list[float]:
    counts = {element: int(n or 1) for element, n in _FORMULA.findall(rdMolDescriptors.CalcMolFormula(mol))}
    return [*(float(counts.get(element, 0)) for element in _ELEMENTS), counts.get("H", 0) / _HYDROGEN_SCALE]


def _descriptors(mol: Chem.Mol) -> tuple[float, ...]:
    return (
        rdMolDescriptors.CalcCrippenDescriptors(mol)[0] / 1.5,
        rdMolDescriptors.CalcTPSA(mol) / 30.0,
        rdMolDescriptors.CalcNumHBD(mol) / 1.5,
        rdMolDescriptors.CalcNumHBA(mol) / 2.0,
        rdMolDescriptors.CalcNumRotatableBonds(mol) / 2.5,
        rdMolDescriptors.CalcNumRings(mol),
        rdMolDescriptors.CalcNumAromaticRings(mol),
        rdMolDescriptors.CalcFractionCSP3(mol) / 0.25,
    )
