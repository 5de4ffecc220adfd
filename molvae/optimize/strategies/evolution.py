"""Evolution of molecules by graph edits."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from random import Random
from typing import ClassVar

from rdkit import Chem

from molvae.chem.edits import cross, mutate
from molvae.chem.graph import Graph
from molvae.chem.quiet import quiet
from molvae.config import EvolutionConfig
from molvae.optimize.known_parts import KnownParts
from molvae.optimize.objective import Evaluation
from molvae.optimize.quantities import Molecule
from molvae.optimize.strategies.base import STRATEGIES, Proposal, SearchContext, Strategy
from molvae.optimize.strategies.history import History, draw_ranks
from molvae.section import Section
from molvae.seeding import derive_seed, numpy_generator

# Pairs of parents that are drawn for each molecule that is wanted, before samples take the place of what is missing.
_MAX_PAIRS = 20
_CACHED_GRAPHS = 2000


@STRATEGIES.register("evolution")
class Evolution(Strategy[EvolutionConfig]):
    """Crosses and mutates the best molecules so far, without a surrogate: a genetic algorithm on molecular graphs.

    The model only gives the molecules to begin with, where there are none. Children violate the constraints that molvae
    computes itself no more than the best of the scored molecules in this respect; mostly not at all.

    References:
        Jensen, A graph-based genetic algorithm and generative model/Monte Carlo tree search for the exploration of
        chemical space, Chemical Science 2019, doi:10.1039/C8SC05372C.
        Tripp and Hernández-Lobato, Genetic algorithms are strong baselines for molecule generation, 2023,
        arXiv:2310.09267.
    """

    settings_type: ClassVar[type[Section]] = EvolutionConfig

    def __init__(self, context: SearchContext, settings: EvolutionConfig) -> None:
        """Begin a search."""
        super().__init__(context, settings)
        self._history = History(context)
        self._core = context.objective.spec.kept_core
        self._graph = lru_cache(_CACHED_GRAPHS)(partial(Graph.from_smiles, core=self._core))
        self._parts = KnownParts(context.objective, terms=False)
        self._max_violation = math.inf
        self._round = 0

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Take the scores of what was asked for."""
        self._history.tell(evaluations)
        violations = [self._parts.violation(evaluation) for evaluation in evaluations if evaluation.status == "ok"]
        self._max_violation = min(self._max_violation, *violations, math.inf)

    def ask(self, n: int) -> list[Proposal]:
        """Return the next n molecules to score."""
        if first := self._history.start(n):
            return first
        self._round += 1
        with quiet():
            children = self._children(_MAX_PAIRS * n)
            if not self._parts.has_constraints or not self._history.scores:
                return self._history.fill(children, n)
            return self._history.fill((child for child in children if self._is_allowed(child)), n, sampled=False)

    def _is_allowed(self, child: Proposal) -> bool:
        [violation] = self._parts.violations([Molecule(child[0], Chem.MolFromSmiles(child[0]))])
        return bool(violation <= self._max_violation)

    def _children(self, n: int) -> Iterator[Proposal]:
        """Yield children of n pairs of parents; of some pairs there is none."""
        parents = self._history.best(self.settings.population_size)
        if not parents:
            return
        name = f"evolution {self._round}"
        rng = Random(derive_seed(self.context.seed, name))
        offset = max(1.0, self.settings.rank_fraction * len(parents))
        ranks = draw_ranks(len(parents), 2 * n, offset, numpy_generator(self.context.seed, name))
        for first, second in ranks.reshape(n, 2):
            child = self._child(parents[first], parents[second], rng)
            if child is not None:
                yield child

    def _child(self, first: str, second: str, rng: Random) -> Proposal | None:
        graph, other = self._graph(first), self._graph(second)
        if graph is None or other is None:
            return None
        max_atoms = self.settings.max_atoms
        if first == second or rng.random() >= self.settings.crossover_fraction:
            child, origin = mutate(graph, rng, max_atoms), "mutate"
        else:
            child, origin = cross(graph, other, rng, max_atoms), "cross"
            if child is not None and rng.random() < self.settings.mutation_fraction:
                child = mutate(Graph.of(child, self._core), rng, max_atoms)
        return None if child is None else (Chem.MolToSmiles(child), origin)
