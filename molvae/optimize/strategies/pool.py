"""Molecules that a search may propose, with what the surrogate thinks of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.count_features import compute_features, features_of_smiles, join, take
from molvae.optimize.known_parts import KnownParts
from molvae.optimize.quantities import Molecule
from molvae.optimize.strategies.surrogate import Surrogate

Candidate = tuple[str, Chem.Mol, str]
"""A canonical SMILES, its molecule, and the name of what proposed it."""


class Pool:
    """Unscored molecules, each once.

    Attributes:
        smiles: SMILES.
        origins: Names of what proposed them.
    """

    def __init__(self, parts: KnownParts) -> None:
        """Begin with none; what `parts` knows of a molecule need not be predicted."""
        self.smiles: list[str] = []
        self.origins: list[str] = []
        self._parts = parts
        self._mean = self._deviation = self._known = np.empty(0)
        self._names: tuple[str, ...] = ("ecfp6",)
        self._features = compute_features([], self._names)

    def rate(self, surrogate: Surrogate) -> None:
        """Predict all values by a surrogate that was fitted again."""
        if tuple(surrogate.kernel) != self._names:
            self._names = tuple(surrogate.kernel)
            self._features = features_of_smiles(self.smiles, self._names)
        self._mean, self._deviation = surrogate.predict(self._features)

    def add(self, candidates: Sequence[Candidate], surrogate: Surrogate) -> None:
        """Add molecules that are not in it, of which those that are known to be infeasible are dropped."""
        molecules = [Molecule(smiles, mol) for smiles, mol, _ in candidates]
        new = [candidates[row] for row in np.flatnonzero(self._parts.feasible(molecules)).tolist()]
        if not new:
            return
        self.smiles += [smiles for smiles, _, _ in new]
        self.origins += [origin for _, _, origin in new]
        features = compute_features([mol for _, mol, _ in new], self._names)
        self._features = join([self._features, features])
        mean, deviation = surrogate.predict(features)
        known = self._parts.known([Molecule(smiles, mol) for smiles, mol, _ in new])
        self._mean = np.concatenate([self._mean, mean])
        self._deviation = np.concatenate([self._deviation, deviation])
        self._known = np.concatenate([self._known, known])

    def bounds(self, beta: float, rows: slice | NDArray[np.int64] = slice(None)) -> NDArray[np.float64]:
        """Return upper confidence bounds of the scores, from mean + beta * deviation, float64 (N,)."""
        return self._parts.compose(self._known[rows], self._mean[rows] + beta * self._deviation[rows])

    def best(self, beta: float, n: int) -> NDArray[np.int64]:
        """Return the rows of the n largest upper confidence bounds, the largest first."""
        return np.argsort(-self.bounds(beta), kind="stable")[:n]

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Drop all others."""
        self.smiles = [self.smiles[i] for i in rows]
        self.origins = [self.origins[i] for i in rows]
        self._mean, self._deviation, self._known = self._mean[rows], self._deviation[rows], self._known[rows]
        self._features = take(self._features, rows)
