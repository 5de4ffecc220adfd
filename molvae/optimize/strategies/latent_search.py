"""Bayesian optimisation over molecules that are bred by graph edits and decoded from around the best ones."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache, partial
from random import Random
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.count_features import features_of_smiles
from molvae.chem.edits import cross, mutate
from molvae.chem.fingerprints import PackedBits, morgan_bits, tanimoto_matrix
from molvae.chem.graph import Graph
from molvae.chem.groups import Groups, groups_of
from molvae.chem.molecules import canonical_smiles
from molvae.chem.quiet import quiet
from molvae.config import LatentSearchConfig
from molvae.model.model import MolVAE
from molvae.optimize.known_parts import KnownGoals, KnownParts
from molvae.optimize.objective import Evaluation
from molvae.optimize.quantities import Molecule
from molvae.optimize.strategies.base import STRATEGIES, Proposal, SearchContext, Strategy
from molvae.optimize.strategies.lineages import Lineages
from molvae.optimize.strategies.model_proposals import propose
from molvae.optimize.strategies.pool import Candidate, Pool
from molvae.optimize.strategies.refit import refit
from molvae.optimize.strategies.surrogate import Surrogate, Surrogates
from molvae.section import Section
from molvae.seeding import derive_seed, numpy_generator, torch_generator

# Of the pool, so many for each molecule that is wanted are compared with those already chosen.
_COMPARED = 10
# Mutations that are made for each one that is wanted, because some are known to be infeasible.
_MUTATIONS_TRIED = 4
# Of the elite, so many are mutated without the surrogate.
_MUTATED = 10
# Known molecules whose groups mutations use.
_GROUPS_FROM = 2000
# Samples that are drawn for each one that is scored first, because some violate the constraints.
_SAMPLED_FOR_EACH = 10
# Breedings in a round, of several generations each, before it is given up that any of them is feasible.
_MAX_BREEDINGS = 10


@STRATEGIES.register("latent")
class LatentSearch(Strategy[LatentSearchConfig]):
    """Breeds molecules against a surrogate of the scores, and asks for those of the largest upper confidence bounds.

    The given molecules are scored first. Then, in each round, a Gaussian process on substructure counts is fitted to
    the scores. A pool of unscored molecules, kept from round to round, is enlarged over several generations by
    mutations and crossovers of the scored molecules and of the pool's own, of those with the largest upper confidence
    bounds, and now and then by what the model proposes around the best molecules (`perturb`, `cross`, `prior`; it is
    trained further on them from time to time). Parents are also drawn from an elite of molecules that are far from each
    other, and if the search does not improve any more it turns to other lineages, see `Lineages`. The batch is chosen
    from the pool with an exploration weight that is drawn anew for each molecule, a part of it from what is far from
    the best molecule, and no molecule of it is a close analogue of another. A part of the batch are mutations of the
    elite that the surrogate has no say in.

    Constraints that molvae computes itself are exact filters of what is proposed; whether a molecule satisfies others
    is predicted. While few of the scored molecules are feasible, parents are first of all those that violate the
    constraints least, and the pool is bred until it has feasible molecules. A core is left alone by all edits; where
    the model decodes a molecule without it, a part of that is put on the core of another.

    Where the terms of the objective stay apart (`mean: pareto`), each costly one has a surrogate of its own, and a
    molecule's score is how far its desirabilities reach in a random direction, which is drawn anew for each
    generation and each molecule of a batch, so that the search improves the hypervolume; see `scalarise`.

    References:
        Tripp and Hernandez-Lobato, Diagnosing and fixing common problems in Bayesian optimization for molecule design,
        2024, arXiv:2406.07709 (Gaussian process, exploration weights, a genetic algorithm on the acquisition function).
        Kim et al., Genetic-guided GFlowNets for sample efficient molecular optimization, NeurIPS 2024, arXiv:2402.05961
        (rank weights).
        Tripp, Daxberger and Hernandez-Lobato, Sample-efficient optimization in the latent space of deep generative
        models via weighted retraining, NeurIPS 2020, arXiv:2006.09191 (training the model on the best molecules).
    """

    settings_type: ClassVar[type[Section]] = LatentSearchConfig

    def __init__(self, context: SearchContext, settings: LatentSearchConfig) -> None:
        """Begin a search."""
        super().__init__(context, settings)
        # A copy is trained; the caller's model stays as it is.
        self._model: MolVAE = context.model.copy()
        self._to_start = list(context.start)
        self._lineages = Lineages(settings.lineages, settings.n_parents)
        self._elite: list[str] = []
        self._remainders: list[float | NDArray[np.float64]] = []
        self._satisfied: list[bool] = []
        self._grey_box = settings.grey_box and not context.objective.is_builtin
        self._goals = KnownGoals(context.objective, terms=self._grey_box) if context.objective.is_pareto else None
        self._parts = self._goals or KnownParts(context.objective, terms=self._grey_box)
        self._surrogate = (
            Surrogate(settings.surrogate, context.seed)
            if self._goals is None
            else Surrogates(settings.surrogate, context.seed, self._goals.predicted)
        )
        self._pool = Pool(
            self._parts, self._surrogate, self._lineages, settings.infeasible_weight, settings.pool_size, context.memory
        )
        self._round = 0
        self._n_at_refit = 0
        self._n_to_decode = 0
        self._core = context.objective.spec.kept_core
        graph = partial(Graph.from_smiles, core=self._core, keep_ions=context.objective.has_charged_lead)
        self._graph = lru_cache(maxsize=settings.pool_size + settings.n_parents)(graph)

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Take the scores of what was asked for; a molecule that could not be scored counts as 0."""
        scored = {evaluation.smiles: evaluation for evaluation in evaluations if evaluation.status in ("ok", "failed")}
        new = [evaluation for smiles, evaluation in scored.items() if smiles not in self._lineages.scores]
        weights = [1.0 if evaluation.feasible else self.settings.infeasible_weight for evaluation in new]
        weighted = list(zip(new, weights, strict=True))
        scores = {one.smiles: float(np.nan_to_num(weight * one.score)) for one, weight in weighted}
        self._lineages.add(scores, [self._parts.violation(evaluation) for evaluation in new])
        if self._grey_box or self._goals is not None:
            self._remainders += [weight * self._parts.remainder(evaluation) for evaluation, weight in weighted]
        self._satisfied += [self._parts.satisfies_paid(evaluation) for evaluation in new]
        if self._parts.is_predicted:
            with quiet():
                self._surrogate.add(features_of_smiles([evaluation.smiles for evaluation in new]))

    def ask(self, n: int) -> list[Proposal]:
        """Return the next n molecules to score, or fewer while there are few scores to learn from."""
        if self._to_start:
            first, self._to_start = self._to_start[:n], self._to_start[n:]
            return [(smiles, "start") for smiles in first]
        self._round += 1
        n_scores = len(self._lineages.scores)
        rng = Random(derive_seed(self.context.seed, f"search {self._round}"))
        self._turn(rng)
        if not self._has_parents():
            return [(smiles, "prior") for smiles in self._sampled(n)]
        if self._parts.is_predicted or self._goals is not None:
            # Small batches are for learning from one before the next is chosen, and for breeding anew along the front.
            n = min(n, max(self.settings.min_batch, int(self.settings.batch_growth * n_scores)))
        else:
            n = min(n, self.settings.known_batch)
        with quiet():
            if self._parts.is_predicted:
                satisfied = np.array(self._satisfied) if self._parts.has_paid_constraints else None
                self._surrogate.fit(self._targets(), satisfied)
            if self._goals is None:
                self._lineages.turn()
            self._elite = self._lineages.elite()
            self._breed(rng)
            for _ in range(_MAX_BREEDINGS if self._lineages.few_feasible else 0):
                if not self._pool.feasible.any():
                    self._breed(rng)
            proposals = self._mutations(rng, int(self.settings.mutation_fraction * n + rng.random()))
            proposals |= self._choose(rng, n - len(proposals))
        self._shrink(proposals)
        return list(proposals.items())

    def _has_parents(self) -> bool:
        """Say whether there is anything to breed from; among constraints, what violates them least is."""
        scores = self._lineages.scores
        return bool(scores) if self._parts.has_constraints else max(scores.values(), default=0.0) > 0.0

    def _sampled(self, n: int) -> list[str]:
        """Return n samples of the model, less those that are no molecule; those that violate constraints least."""
        n_sampled = _SAMPLED_FOR_EACH * n if self._parts.has_constraints else n
        sampled = self.context.model.sample(n_sampled, derive_seed(self.context.seed, f"search prior {self._round}"))
        molecules = [Molecule(smiles, Chem.MolFromSmiles(smiles)) for smiles in sampled if smiles is not None]
        order = np.argsort(self._parts.violations(molecules), kind="stable")[:n]
        return [molecules[i].smiles for i in order.tolist()]

    def _targets(self) -> NDArray[np.float64]:
        """Return what the surrogate predicts: scores, or the parts of them that are not known beforehand."""
        if self._grey_box or self._goals is not None:
            return np.array(self._remainders)
        return np.array(list(self._lineages.scores.values()))

    def _turn(self, rng: Random) -> None:
        """Turn to another compromise between the goals, if there are several."""
        if self._goals is not None and self._remainders:
            self._goals.turn(rng)
            self._lineages.rescore(self._goals.reach(np.array(self._remainders)))

    def _beta(self, rng: Random) -> float:
        """Draw the exploration weight of the upper confidence bound: mostly small, and none late in the search."""
        self._turn(rng)
        if len(self._lineages.scores) > self.settings.explore_until * self.context.budget:
            return 0.0
        return float(10.0 ** rng.uniform(-2.0, 0.0) * self.settings.max_beta)

    def _breed(self, rng: Random) -> None:
        """Enlarge the pool by several generations, bred against the acquisition function."""
        self._pool.rate()
        if len(self._lineages.scores) >= self._n_to_decode:
            self._n_to_decode = len(self._lineages.scores) + self.settings.decode_every
            self._add(self._decoded(rng))
        for _ in range(self.settings.n_generations):
            beta = self._beta(rng)
            scored = self._lineages.ranked()[: self.settings.n_parents]
            rows = self._pool.best(beta, self.settings.n_parents)
            bred = [self._pool.smiles[i] for i in rows] or scored
            self._add(self._children((scored, bred), rng))

    def _add(self, candidates: Iterable[Candidate]) -> None:
        """Add to the pool what is neither in it nor scored, and may be new."""
        pooled = set(self._pool.smiles)
        new = {
            smiles: (smiles, mol, origin)
            for smiles, mol, origin in candidates
            if smiles not in pooled and self._may_be_new(smiles)
        }
        self._pool.add(list(new.values()))

    def _may_be_new(self, smiles: str) -> bool:
        return smiles not in self._lineages.scores and smiles not in self.context.not_new

    def _children(self, parents: Sequence[Sequence[str]], rng: Random) -> Iterator[Candidate]:
        """Yield a generation of mutations and crossovers; better parents, first in their list, have more children."""
        for _ in range(self.settings.n_children):
            first = self._graph(self._parent(parents, rng))
            is_crossover = rng.random() < self.settings.crossover_fraction
            second = self._graph(self._partner(parents, rng)) if is_crossover else first
            if first is None or second is None:
                continue
            if is_crossover:
                child, origin = cross(first, second, rng, self.settings.max_heavy_atoms), "crossover"
            else:
                child, origin = self._mutant(first, rng), "mutation"
            if child is not None:
                yield Chem.MolToSmiles(child), child, origin

    def _partner(self, parents: Sequence[Sequence[str]], rng: Random) -> str:
        """Draw the second parent of a crossover: now and then an unscored molecule, which brings new fragments."""
        if self._fresh and rng.random() < self.settings.fresh_fraction:
            return rng.choice(self._fresh)
        return self._parent(parents, rng)

    def _parent(self, parents: Sequence[Sequence[str]], rng: Random) -> str:
        if rng.random() < self.settings.elite_fraction:
            return rng.choice(self._elite)
        return _draw_by_rank(rng.choice(parents), rng)

    def _mutant(self, parent: Graph, rng: Random) -> Chem.Mol | None:
        return mutate(parent, rng, self.settings.max_heavy_atoms, self._groups)

    @cached_property
    def _groups(self) -> Groups:
        """The groups that mutations put in the place of others."""
        known = self.context.known
        rows = numpy_generator(self.context.seed, "search groups").permutation(len(known))[:_GROUPS_FROM]
        return groups_of([known[row] for row in rows.tolist()], self.settings.n_groups)

    @cached_property
    def _fresh(self) -> list[str]:
        """Known molecules and samples of the model, of which some are parents whatever their scores."""
        n, known = self.settings.n_fresh, self.context.known
        rng = numpy_generator(self.context.seed, "search fresh")
        drawn = [known[i] for i in rng.permutation(len(known))[: n // 2].tolist()]
        sampled = self.context.model.sample(n - len(drawn), derive_seed(self.context.seed, "search fresh"))
        return [*drawn, *(smiles for smiles in sampled if smiles is not None)]

    def _decoded(self, rng: Random) -> Iterator[Candidate]:
        """Yield what the model proposes around the best molecules."""
        n_scores, settings = len(self._lineages.scores), self.settings.refit
        ranked = self._lineages.ranked()[: self.settings.n_parents]
        if settings.n_steps and n_scores >= max(self._n_at_refit + settings.min_calls, 1.1 * self._n_at_refit):
            self._n_at_refit = n_scores
            refit(self._model, ranked, self.context.known, self._round, self.context.seed, settings)
        generator = torch_generator(self.context.seed, f"search {self._round}")
        n_parents = max(self.settings.n_perturbed, self.settings.n_interpolated)
        parents = [_draw_by_rank(ranked, rng) for _ in range(n_parents)]
        for smiles, origin in propose(self._model, parents, self.settings, generator):
            graph = Graph.from_smiles(smiles, self._core)
            mol = None if graph is None else self._around_core(graph, rng)
            if mol is not None and mol.GetNumAtoms() <= self.settings.max_heavy_atoms:
                yield Chem.MolToSmiles(mol), mol, origin

    def _around_core(self, decoded: Graph, rng: Random) -> Chem.Mol | None:
        """Return a decoded molecule, or if it has lost the core, one of the elite with a part of it."""
        if self._core is not None and not decoded.core.atoms:
            holder = self._graph(rng.choice(self._elite))
            return None if holder is None else cross(holder, decoded, rng, self.settings.max_heavy_atoms)
        mol = Chem.Mol(decoded.mol)
        Chem.SanitizeMol(mol)
        return mol

    def _mutations(self, rng: Random, n: int) -> dict[str, str]:
        """Return n mutations of good molecules that differ from each other, with the name of their origin."""
        elite = self._elite[:_MUTATED]
        molecules: dict[str, Molecule] = {}
        for _ in range(_MUTATIONS_TRIED * n):
            parent = self._graph(rng.choice(elite))
            child = None if parent is None else self._mutant(parent, rng)
            if child is not None and self._may_be_new(smiles := Chem.MolToSmiles(child)):
                molecules[smiles] = Molecule(smiles, child)
        for costly in (False, True):
            is_feasible = self._parts.feasible(list(molecules.values()), costly=costly)
            molecules = {
                smiles: molecules[smiles] for smiles, holds in zip(molecules, is_feasible, strict=True) if holds
            }
        return dict.fromkeys(list(molecules)[:n], "blind mutation")

    def _choose(self, rng: Random, n: int) -> dict[str, str]:
        """Return n molecules of the pool, none of which is close to another, with their origins."""
        order = self._pool.best(self._beta(rng), len(self._pool.smiles))
        far = order[self._lineages.is_far(self._pool.bits[order], self._elite[0])]
        n_far = int(self.settings.far_fraction * n + rng.random())
        chosen: dict[str, str] = {}
        # What is near comes last once more, for where there is not enough that is far.
        for rows, n_after in ((order, n - n_far), (far, n), (order, n)):
            self._choose_from(rows[: _COMPARED * n], rng, n_after, chosen)
        return chosen

    def _choose_from(self, rows: NDArray[np.int64], rng: Random, n: int, chosen: dict[str, str]) -> None:
        """Add the best of some rows to those that are chosen, until there are n."""
        self._pool.apply_costly_constraints(rows)
        bits = self._pool.bits[rows]
        is_open = self._pool.feasible[rows] & self._is_apart(bits, morgan_bits(list(chosen)))
        while len(chosen) < n and is_open.any():
            i = int(np.argmax(np.where(is_open, self._pool.bounds(self._beta(rng), rows), -np.inf)))
            is_open[i] = False
            # The SMILES that an edit leaves may differ from that of the molecule read again.
            canonical = canonical_smiles(self._pool.smiles[rows[i]])
            if canonical is not None and self._may_be_new(canonical):
                chosen[canonical] = self._pool.origins[rows[i]]
                is_open &= self._is_apart(bits, bits[i : i + 1])

    def _is_apart(self, bits: PackedBits, chosen: PackedBits) -> NDArray[np.bool_]:
        """Say which of N molecules are no close analogues of those that are chosen, bool (N,)."""
        similarity = tanimoto_matrix(chosen, bits).max(axis=0, initial=0.0)
        return np.asarray(similarity <= self.settings.max_similarity)

    def _shrink(self, proposals: Collection[str]) -> None:
        """Drop the worst of the pool, and what is proposed now."""
        rows = self._pool.best(self.settings.max_beta / 10.0, self.settings.pool_size)
        is_left = [self._pool.smiles[row] not in proposals for row in rows.tolist()]
        self._pool.keep(rows[np.array(is_left, dtype=bool)])


def _draw_by_rank(ranked: Sequence[str], rng: Random) -> str:
    """Draw one of N, with weights of about 1 / (.01 N + rank)."""
    n, offset = len(ranked), 0.01 * len(ranked) + 0.5
    rank = offset * ((1.0 + n / offset) ** rng.random() - 1.0)
    return ranked[min(int(rank), n - 1)]
