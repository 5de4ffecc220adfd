"""Which of many substructure patterns match a molecule, where fingerprints rule out most of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs

N_BITS = 2048

PatternBits = NDArray[np.uint64]
"""RDKit's pattern fingerprints of N molecules, uint64 (N, 32)."""


def pattern_bits(mols: Sequence[Chem.Mol]) -> PatternBits:
    """Return the pattern fingerprints of N molecules or patterns.

    The bits of a pattern are among those of every molecule that it matches.
    """
    packed = b"".join(DataStructs.BitVectToBinaryText(Chem.PatternFingerprint(mol, fpSize=N_BITS)) for mol in mols)
    return np.frombuffer(packed, np.uint64).reshape(len(mols), N_BITS // 64)


class PatternSet:
    """Patterns that are searched together."""

    def __init__(self, patterns: Sequence[Chem.Mol]) -> None:
        """Take P patterns."""
        self._patterns = tuple(patterns)
        self._bits = pattern_bits(patterns)

    def matches(self, mol: Chem.Mol, bits: PatternBits) -> list[int]:
        """Return the indices of the patterns that match a molecule, in their order.

        Args:
            mol: A sanitised molecule.
            bits: Its row of `pattern_bits`, uint64 (32,).
        """
        possible = np.flatnonzero(~(self._bits & ~bits).any(axis=1))
        return [i for i in possible.tolist() if mol.HasSubstructMatch(self._patterns[i])]
