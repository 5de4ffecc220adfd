"""A memory of the scaffolds that a search has scored, so that it does not end in one series."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from molvae.chem.molecules import parse
from molvae.chem.scaffolds import murcko_scaffold
from molvae.optimize.objective import Evaluation

FULL_WEIGHT = 0.1
"""What a further molecule of a full scaffold counts, as a fraction of its score."""


class ScaffoldMemory:
    """How many scored molecules have each Bemis-Murcko scaffold; molecules without rings are no series.

    References:
        Blaschke et al., Memory-assisted reinforcement learning for diverse molecular de novo design, Journal of
        Cheminformatics 2020, doi:10.1186/s13321-020-00473-0 (there a further molecule of a full scaffold counts 0).
    """

    def __init__(self, max_per_scaffold: int) -> None:
        """Begin without molecules.

        Args:
            max_per_scaffold: Molecules after which a scaffold is full.
        """
        self._max = max_per_scaffold
        self._counts: Counter[str] = Counter()
        self._weights: dict[str, float] = {}

    def weigh(self, evaluations: Sequence[Evaluation]) -> list[Evaluation]:
        """Remember molecules, and return what they count: less for those whose scaffold was full before them."""
        return [self._weighed(evaluation) for evaluation in evaluations]

    def weights(self, scaffolds: Sequence[str]) -> NDArray[np.float64]:
        """Return what a new molecule of each of N scaffolds would count, as a fraction of its score, float64 (N,)."""
        return np.array([FULL_WEIGHT if self._counts[scaffold] >= self._max else 1.0 for scaffold in scaffolds])

    def _weighed(self, evaluation: Evaluation) -> Evaluation:
        if evaluation.status != "ok" or not evaluation.feasible:
            return evaluation
        if evaluation.smiles not in self._weights:
            scaffold = scaffold_of(evaluation.smiles)
            [weight] = self.weights([scaffold])
            self._weights[evaluation.smiles] = weight
            if scaffold:
                self._counts[scaffold] += 1
        weight = self._weights[evaluation.smiles]
        return replace(
            evaluation,
            score=weight * evaluation.score,
            desirabilities={name: weight * value for name, value in evaluation.desirabilities.items()},
        )


def scaffold_of(smiles: str) -> str:
    """Return the scaffold of a valid SMILES; empty without rings."""
    mol = parse(smiles)
    assert mol is not None, "only valid molecules are scored"
    return murcko_scaffold(mol)
