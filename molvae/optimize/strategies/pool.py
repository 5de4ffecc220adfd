"""Molecules that a search may propose, with what the surrogate thinks of them."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.count_features import Features, compute_features, features_of_smiles, join, take
from molvae.chem.fingerprints import PackedBits, pack_morgan, stack_packed
from molvae.chem.scaffolds import murcko_scaffold
from molvae.optimize.known_parts import KnownParts
from molvae.optimize.quantities import Molecule
from molvae.optimize.scaffold_memory import ScaffoldMemory
from molvae.optimize.strategies.lineages import Lineages
from molvae.optimize.strategies.surrogate import Surrogate, Surrogates

Candidate = tuple[str, Chem.Mol, str]
"""A canonical SMILES, its molecule, and the name of what proposed it."""


class Pool:
    """Unscored molecules, each once.

    Attributes:
        smiles: SMILES.
        origins: Names of what proposed them.
        feasible: Whether they satisfy the constraints that were applied so far, bool (N,).
        bits: Packed ECFP4 fingerprints (1,024 bits), uint8 (N, 128).
    """

    def __init__(
        self,
        parts: KnownParts,
        surrogate: Surrogate | Surrogates,
        lineages: Lineages,
        infeasible_weight: float,
        size: int,
        memory: ScaffoldMemory | None = None,
    ) -> None:
        """Begin with none; what `parts` knows of a molecule is not predicted, and full scaffolds count as less.

        Of more than `size` molecules, those that cannot be among the best `size` need not be known exactly.
        """
        self.smiles: list[str] = []
        self.origins: list[str] = []
        self._parts, self._surrogate, self._lineages = parts, surrogate, lineages
        self._infeasible_weight, self._size, self._memory = infeasible_weight, size, memory
        self._scaffolds: list[str] = []
        self._weights = np.empty(0)
        self.feasible = np.empty(0, dtype=bool)
        self._violations = np.empty(0)
        self.bits: PackedBits = stack_packed([])
        self._is_wanted = np.empty(0, dtype=bool)
        self._checked: set[str] = set()
        # Of several goals there is a column for each.
        self._mean = self._deviation = self._known = parts.known([])
        self._probability = np.empty(0)
        # Where all of a score is known, nothing is predicted.
        self._is_predicted = parts.is_predicted
        self._names = surrogate.names if self._is_predicted else ()
        self._features = compute_features([], self._names)

    def rate(self) -> None:
        """Rate all again, after the surrogate was fitted or the search has turned to other lineages."""
        self._is_wanted = ~self._lineages.is_near_leader(self.bits)
        if self._memory is not None:
            self._weights = self._memory.weights(self._scaffolds)
        if self._is_predicted and self._surrogate.names != self._names:
            self._names = self._surrogate.names
            self._features = features_of_smiles(self.smiles, self._names)
        self._mean, self._deviation = self._predicted(self._features, len(self.smiles))
        self._probability = self._probabilities(self._features, len(self.smiles))

    def add(self, candidates: Sequence[Candidate]) -> None:
        """Add molecules that are not in it."""
        if not candidates:
            return
        molecules = [Molecule(smiles, mol) for smiles, mol, _ in candidates]
        # Of those before them.
        floor = self._floor()
        self.smiles += [smiles for smiles, _, _ in candidates]
        self.origins += [origin for _, _, origin in candidates]
        bits = stack_packed([pack_morgan(mol) for _, mol, _ in candidates])
        self.bits = np.concatenate([self.bits, bits])
        self._is_wanted = np.concatenate([self._is_wanted, ~self._lineages.is_near_leader(bits)])
        self._weights = np.concatenate([self._weights, self._weighed([mol for _, mol, _ in candidates])])
        features = compute_features([mol for _, mol, _ in candidates], self._names)
        self._features = join([self._features, features])
        mean, deviation = self._predicted(features, len(molecules))
        self._mean = np.concatenate([self._mean, mean])
        self._deviation = np.concatenate([self._deviation, deviation])
        self._probability = np.concatenate([self._probability, self._probabilities(features, len(molecules))])
        self._known = np.concatenate([self._known, self._parts.known(molecules, floor)])
        feasible, violations = self._parts.feasible(molecules, costly=False), np.zeros(len(molecules))
        if self._lineages.few_feasible:
            rows = np.flatnonzero(~feasible)
            violations[rows] = self._parts.violations([molecules[row] for row in rows.tolist()])
        self.feasible = np.concatenate([self.feasible, feasible])
        self._violations = np.concatenate([self._violations, violations])

    def _floor(self) -> float:
        """Return the least score of a molecule that can be among the best ones, where all of a score is known."""
        if self._is_predicted or self._known.ndim > 1 or len(self.smiles) < self._size:
            return -math.inf
        return float(np.partition(self.bounds(0.0), -self._size)[-self._size])

    def _weighed(self, mols: Sequence[Chem.Mol]) -> NDArray[np.float64]:
        """Return the weights of new molecules by their scaffolds, which are kept, float64 (N,)."""
        if self._memory is None:
            return np.ones(len(mols))
        scaffolds = [murcko_scaffold(mol) for mol in mols]
        self._scaffolds += scaffolds
        return self._memory.weights(scaffolds)

    def _predicted(self, features: Features, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if self._is_predicted:
            return self._surrogate.predict(features)
        nothing = np.zeros((n, *self._known.shape[1:]))
        return nothing, nothing

    def _probabilities(self, features: Features, n: int) -> NDArray[np.float64]:
        """Return how probably molecules satisfy the constraints that take a call; 1 where there are none."""
        return self._surrogate.probability(features) if self._parts.has_paid_constraints else np.ones(n)

    def bounds(self, beta: float, rows: slice | NDArray[np.int64] = slice(None)) -> NDArray[np.float64]:
        """Return upper confidence bounds of the scores, from mean + beta * deviation, float64 (N,).

        An infeasible molecule is worth less, but may still be a parent of feasible ones; while there are few of these,
        the more the less it violates the constraints. Whether it satisfies a constraint that takes a call is predicted.
        What is near a leader from which the search keeps away comes after all others.
        """
        bounds = self._parts.compose(self._known[rows], self._mean[rows] + beta * self._deviation[rows])
        probability = np.where(self.feasible[rows], self._probability[rows], 0.0)
        weight = self._infeasible_weight + (1.0 - self._infeasible_weight) * probability
        bounds = weight * self._weights[rows] * bounds - ~self._is_wanted[rows]
        return bounds - self._violations[rows] if self._lineages.few_feasible else bounds

    def best(self, beta: float, n: int) -> NDArray[np.int64]:
        """Return the rows of the n largest upper confidence bounds, the largest first."""
        return np.argsort(-self.bounds(beta), kind="stable")[:n]

    def apply_costly_constraints(self, rows: NDArray[np.int64]) -> None:
        """Apply the constraints that take some time to some of the molecules, each once."""
        todo = [row for row in rows.tolist() if self.feasible[row] and self.smiles[row] not in self._checked]
        self._checked.update(self.smiles[row] for row in todo)
        molecules = [Molecule(self.smiles[row], Chem.MolFromSmiles(self.smiles[row])) for row in todo]
        self.feasible[todo] = self._parts.feasible(molecules, costly=True)

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Drop all others."""
        self.smiles = [self.smiles[i] for i in rows]
        self.origins = [self.origins[i] for i in rows]
        self._mean, self._deviation, self._known = self._mean[rows], self._deviation[rows], self._known[rows]
        self.feasible, self.bits, self._is_wanted = self.feasible[rows], self.bits[rows], self._is_wanted[rows]
        self._violations, self._probability = self._violations[rows], self._probability[rows]
        self._weights = self._weights[rows]
        self._scaffolds = [self._scaffolds[i] for i in rows] if self._scaffolds else []
        self._checked &= set(self.smiles)
        self._features = take(self._features, rows)
