"""Molecules that may be chosen for a plate."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molvae.chem.count_features import Features, join, take
from molvae.chem.fingerprints import PackedBits
from molvae.chem.reading import Record


@dataclass(frozen=True)
class Candidates:
    """N molecules.

    Attributes:
        smiles: As they were given.
        standard: Canonical SMILES of their standard forms, which tell whether two are the same molecule.
        bits: Packed ECFP4 fingerprints (2,048 bits), uint8 (N, 256).
        features: What the Gaussian process compares; nothing where there is none.
        mean: Predicted values, larger ones better, float64 (N,); 0 where there is no Gaussian process.
        records: Their rows in a pool; none for molecules that are not from one.
    """

    smiles: list[str]
    standard: list[str]
    bits: PackedBits
    features: Features
    mean: NDArray[np.float64]
    records: list[Record]

    def __len__(self) -> int:
        return len(self.smiles)

    def take(self, rows: NDArray[np.integer] | Sequence[int]) -> "Candidates":
        """Return some of the molecules."""
        index = np.asarray(rows, dtype=np.int64)
        return Candidates(
            [self.smiles[row] for row in index.tolist()],
            [self.standard[row] for row in index.tolist()],
            self.bits[index],
            take(self.features, index),
            self.mean[index],
            [self.records[row] for row in index.tolist()] if self.records else [],
        )

    def best(self, n: int, without: Collection[str] = ()) -> "Candidates":
        """Return the n of the largest means, the first ones of equal ones, without duplicates.

        Args:
            n: How many.
            without: Standard forms of molecules to leave out.
        """
        first = {smiles: row for row, smiles in reversed(list(enumerate(self.standard))) if smiles not in without}
        rows = np.array(sorted(first.values()), dtype=np.int64)
        return self.take(rows[np.argsort(-self.mean[rows], kind="stable")][:n])


def joined(parts: Sequence[Candidates]) -> Candidates:
    """Put the molecules of several parts, one at least, one after the other."""
    return Candidates(
        [smiles for part in parts for smiles in part.smiles],
        [smiles for part in parts for smiles in part.standard],
        np.concatenate([part.bits for part in parts]),
        join([part.features for part in parts]),
        np.concatenate([part.mean for part in parts]),
        [record for part in parts for record in part.records],
    )
