"""Which measured molecule is nearest to a new one, and whether that is near enough to believe a prediction.

References:
    Sheridan et al., Similarity to molecules in the training set is a good discriminator for prediction accuracy in
    QSAR, Journal of Chemical Information and Computer Sciences 2004, doi:10.1021/ci049782w.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.fingerprints import nearest, pack_morgan, stack_packed
from molvae.chem.molecules import parse

_N_BITS = 2048
_QUANTILE = 0.05


class Domain:
    """The applicability domain of a set of measured molecules.

    A molecule is inside if its ECFP4 similarity (2,048 bits, Tanimoto) to the nearest measured one is at least that
    which 95 % of the molecules held out in cross-validation had to the nearest one that was left: as far as errors and
    intervals were tested. The similarity of measured molecules to one another would not do as a measure: in a series
    every molecule has near twins, and no new one would be inside.

    Attributes:
        threshold: That similarity.
    """

    def __init__(self, smiles: Sequence[str], folds: NDArray[np.int64], threshold: float | None = None) -> None:
        """Prepare the search for the nearest measured molecule.

        Args:
            smiles: N measured molecules, as canonical SMILES.
            folds: The number of the fold of each, int64 (N,).
            threshold: The similarity that was found for them before, which takes N * N comparisons to find.
        """
        mols = [parse(text) for text in smiles]
        self._packed = stack_packed([pack_morgan(mol, _N_BITS) for mol in mols if mol is not None], _N_BITS)
        self.threshold = self._tested(folds) if threshold is None else threshold

    def _tested(self, folds: NDArray[np.int64]) -> float:
        similarities = [
            nearest(self._packed[folds == fold], self._packed[folds != fold])[0] for fold in np.unique(folds).tolist()
        ]
        return float(np.quantile(np.concatenate(similarities), _QUANTILE))

    def nearest(self, packed: Sequence[bytes]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the similarity of M molecules to the nearest measured one, and its row, (M,) each.

        Args:
            packed: Their fingerprints, from `fingerprint`.
        """
        return nearest(stack_packed(packed, _N_BITS), self._packed)


def fingerprint(mol: Chem.Mol) -> bytes:
    """Return the fingerprint of an RDKit molecule that `Domain.nearest` compares."""
    return pack_morgan(mol, _N_BITS)
