"""Evolution of molecules by graph edits."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from random import Random
from typing import ClassVar

from rdkit import Chem

from molvae.chem.edits import cross, mutate
from molvae.chem.graph import Graph
from molvae.chem.quiet import quiet
from molvae.config import EvolutionConfig
from molvae.optimize.objective import Evaluation
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

    The model only gives the molecules to begin with, where there are none.

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
        self._graph = lru_cache(_CACHED_GRAPHS)(Graph.from_smiles)
        self._round = 0

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Take the scores of what was asked for."""
        self._history.tell(evaluations)

    def ask(self, n: int) -> list[Proposal]:
        """Return the next n molecules to score."""
        if first := self._history.start(n):
            return first
        self._round += 1
        with quiet():
            return self._history.fill(self._children(_MAX_PAIRS * n), n)

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
                child = mutate(Graph.of(child), rng, max_atoms)
        return None if child is None else (Chem.MolToSmiles(child), origin)
