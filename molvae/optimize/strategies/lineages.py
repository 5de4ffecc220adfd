"""The scored molecules of a search, and from which of them it breeds."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from molvae.chem.fingerprints import PackedBits, morgan_bits, paired_similarity, tanimoto_matrix
from molvae.config import LineageConfig

# A smaller relative improvement of the ten best does not count as one.
_MIN_IMPROVEMENT = 0.01
# Leaders that a search keeps away from at most: the last ones.
_MAX_LEADERS = 8
# Of the best molecules, so many are compared to find the elite.
_MAX_COMPARED = 3000


class Lineages:
    """Scored molecules, of which all or only some are parents.

    A search that breeds from the best molecules ends up with variants of one of them. When its ten best do not improve
    any more, it turns away from the leader and everything near it, to breed from others; when these do not improve any
    more, it comes back to all, whose best can now be crossed; and so on.

    While few of them satisfy the constraints, it also matters by how much the others violate them: those that violate
    them least come first.

    Attributes:
        scores: Scores by SMILES.
        leaders: Packed ECFP4 fingerprints of the molecules near which there are no parents now, uint8 (K, 128).
    """

    def __init__(self, settings: LineageConfig, n_parents: int = 0) -> None:
        """Begin without molecules; those that satisfy the constraints are few until there are `n_parents` of them."""
        self.scores: dict[str, float] = {}
        self.leaders: PackedBits = morgan_bits([])
        self._settings = settings
        self._past_leaders: dict[str, None] = {}
        self._bits: PackedBits = morgan_bits([])
        self._is_parent = np.empty(0, dtype=bool)
        self._best, self._improved_at = 0.0, 0
        self._violations = np.empty(0)
        self._n_parents = n_parents

    def add(self, scores: Mapping[str, float], violations: Sequence[float] | None = None) -> None:
        """Add molecules that are not among them.

        Args:
            scores: N scores by SMILES.
            violations: By how much each violates the constraints, see `KnownParts.violation`; by default they satisfy
                them.
        """
        self._violations = np.concatenate(
            [self._violations, np.zeros(len(scores)) if violations is None else violations]
        )
        bits = morgan_bits(list(scores))
        self.scores.update(scores)
        self._bits = np.concatenate([self._bits, bits])
        self._is_parent = np.concatenate([self._is_parent, ~self.is_near_leader(bits)])

    @property
    def few_feasible(self) -> bool:
        """Whether some violate constraints, and few do not."""
        n_feasible = np.count_nonzero(self._violations == 0.0)
        return n_feasible < min(self._n_parents, len(self._violations))

    def is_near_leader(self, bits: PackedBits) -> NDArray[np.bool_]:
        """Say which of N molecules the search keeps away from, bool (N,).

        Args:
            bits: Their packed ECFP4 fingerprints (1,024 bits), uint8 (N, 128).
        """
        if not len(self.leaders) or not len(bits):
            return np.zeros(len(bits), dtype=bool)
        return np.asarray((tanimoto_matrix(self.leaders, bits) > self._settings.similarity).any(axis=0))

    def turn(self) -> bool:
        """Turn away from the leader, or back to all molecules, if it is time to; return whether it was."""
        best, n = self._mean_of_best(), len(self.scores)
        if best > (1.0 + _MIN_IMPROVEMENT) * self._best:
            self._best, self._improved_at = best, n
        if n - self._improved_at < self._settings.patience:
            return False
        self._past_leaders |= dict.fromkeys(self.ranked()[:1])
        self._keep_away_from([] if len(self.leaders) else list(self._past_leaders)[-_MAX_LEADERS:])
        if not self._is_parent.any():
            self._keep_away_from([])
        self._best, self._improved_at = self._mean_of_best(), n
        return True

    def _keep_away_from(self, leaders: Sequence[str]) -> None:
        self.leaders = morgan_bits(leaders)
        self._is_parent = ~self.is_near_leader(self._bits)

    def _mean_of_best(self) -> float:
        ranked = self.ranked()[:10]
        return float(np.mean([self.scores[smiles] for smiles in ranked])) if ranked else 0.0

    def ranked(self) -> list[str]:
        """Return the parents, the best first; of equal ones those that were scored first."""
        smiles = list(self.scores)
        return [smiles[i] for i in self._order().tolist()]

    def _order(self) -> NDArray[np.int64]:
        scores = np.array(list(self.scores.values()), dtype=np.float64)
        order = np.argsort(self._violations - scores if self.few_feasible else -scores, kind="stable")
        return order[self._is_parent[order]]

    def elite(self) -> list[str]:
        """Return the best parents of which each is far from all better ones, the best first."""
        order = self._order()[:_MAX_COMPARED]
        smiles, bits = list(self.scores), self._bits[order]
        is_open = np.ones(len(order), dtype=bool)
        elite: list[str] = []
        while is_open.any() and len(elite) < self._settings.n_elite:
            i = int(np.argmax(is_open))
            elite.append(smiles[order[i]])
            is_open &= paired_similarity(bits, bits[i : i + 1]) <= self._settings.similarity
            is_open[i] = False
        return elite

    def is_far(self, bits: PackedBits, smiles: str) -> NDArray[np.bool_]:
        """Say which of N molecules, given by their fingerprints, are far from another, bool (N,)."""
        return np.asarray(paired_similarity(bits, morgan_bits([smiles])) <= self._settings.similarity)
