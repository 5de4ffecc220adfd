"""What a search has scored so far, as its strategy sees it."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from molvae.optimize.objective import Evaluation
from molvae.optimize.strategies.base import Proposal, SearchContext
from molvae.seeding import derive_seed

INFEASIBLE_WEIGHT = 0.5
"""Factor on the score of a molecule that violates a constraint: it is worth less, but still guides the search."""


class History:
    """Scores by canonical SMILES, and the molecules that are scored before a strategy proposes its own."""

    def __init__(self, context: SearchContext) -> None:
        """Begin with no scores."""
        self._context = context
        self._to_start = list(context.start)
        self._n_fallbacks = 0
        self.scores: dict[str, float] = {}

    def tell(self, evaluations: Sequence[Evaluation]) -> list[str]:
        """Take scores, and return the molecules that were scored; one that could not be scored counts as 0."""
        scored = [evaluation for evaluation in evaluations if evaluation.status in ("ok", "failed")]
        for evaluation in scored:
            weight = 1.0 if evaluation.feasible else INFEASIBLE_WEIGHT
            self.scores[evaluation.smiles] = float(np.nan_to_num(weight * evaluation.score))
        return [evaluation.smiles for evaluation in scored]

    def best(self, n: int) -> list[str]:
        """Return the n best molecules, the best first; of equal ones those that were scored first."""
        return sorted(self.scores, key=lambda smiles: -self.scores[smiles])[:n]

    def start(self, n: int) -> list[Proposal]:
        """Return the next n of the molecules to begin with; none when all have been asked for."""
        first, self._to_start = self._to_start[:n], self._to_start[n:]
        return [(smiles, "start") for smiles in first]

    def fill(self, proposals: Iterable[Proposal], n: int, *, sampled: bool = True) -> list[Proposal]:
        """Return the first n proposals that are new; if `sampled`, samples of the model for those that are missing."""
        new: dict[str, str] = {}
        for smiles, origin in proposals:
            if len(new) == n:
                break
            if smiles not in self.scores:
                new.setdefault(smiles, origin)
        if len(new) < n and sampled:
            self._n_fallbacks += 1
            seed = derive_seed(self._context.seed, f"search fallback {self._n_fallbacks}")
            for sample in self._context.model.sample(n - len(new), seed):
                if sample is not None and sample not in self.scores:
                    new.setdefault(sample, "sample")
        return list(new.items())


def draw_ranks(n: int, size: int, offset: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw ranks of n molecules with weights of 1 / (rank + offset), the best having rank 0, int64 (size,)."""
    weights = 1.0 / (np.arange(n) + offset)
    return rng.choice(n, size=size, p=weights / weights.sum())
