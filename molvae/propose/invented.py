"""Candidates that a model invents: its samples, neighbours of the best measured molecules, and edits of those."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np
import torch
from rdkit import Chem

from molvae.chem.alerts import structural_alerts
from molvae.chem.edits import cross, mutate
from molvae.chem.graph import Graph
from molvae.chem.groups import Groups, groups_of
from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet
from molvae.chem.reading import Record
from molvae.chem.ring_systems import ring_systems
from molvae.model.interpolation import LatentRegion
from molvae.model.model import MolVAE
from molvae.propose.candidates import Candidates, joined
from molvae.propose.gaussian_process import GaussianProcess
from molvae.propose.plate import BETA
from molvae.propose.pool import Block
from molvae.propose.ranking import Rater
from molvae.seeding import derive_seed, torch_generator

ALERTS = ("PAINS", "BRENK")
"""Collections of structural alerts that a proposed molecule should not have."""
_N_SAMPLES = 2_000
# Samples that have a ring system from which on it is plausible: .5 % of them.
_MIN_RING_COUNT = 10
# Of the best measured molecules, so many are decoded around, and so many are parents of edits.
_N_CENTRES, _N_NEIGHBOURS, _RADIUS = 20, 50, 0.5
_N_PARENTS, _N_GENERATIONS, _N_CHILDREN = 200, 8, 500
_CROSSOVER_FRACTION = 0.4
_N_GROUPS = 500
_MAX_HEAVY_ATOMS = 60


@dataclass(frozen=True)
class Plausibility:
    """What an invented molecule may have: nothing that neither the measured molecules nor the model's samples have.

    Attributes:
        alerts: Structural alerts that measured molecules have.
        rings: Ring systems of measured molecules and of samples.
    """

    alerts: frozenset[str]
    rings: frozenset[str]

    @staticmethod
    def of(measured: Sequence[str], sampled: Sequence[str]) -> "Plausibility":
        """Look at measured molecules and samples of a model, canonical SMILES."""
        known = [Chem.MolFromSmiles(smiles) for smiles in measured]
        counts = Counter(ring for smiles in sampled for ring in set(ring_systems(Chem.MolFromSmiles(smiles))))
        # A ring system that is rarely sampled is more often an aromatic one that the model broke than rare chemistry.
        rings = {ring for ring, count in counts.items() if count >= _MIN_RING_COUNT}
        return Plausibility(
            frozenset(alert for alerts in structural_alerts(known, ALERTS) for alert in alerts),
            frozenset(rings.union(*(ring_systems(mol) for mol in known))),
        )

    def holds(self, smiles: str) -> bool:
        """Say whether a molecule is plausible."""
        mol = parse(smiles)
        if mol is None or mol.GetNumAtoms() > _MAX_HEAVY_ATOMS or not self.rings.issuperset(ring_systems(mol)):
            return False
        return self.alerts.issuperset(structural_alerts([mol], ALERTS)[0])


class Inventor:
    """Breeds molecules against the upper confidence bound of a Gaussian process."""

    def __init__(self, model: MolVAE, measured: Sequence[str], rater: Rater, seed: int) -> None:
        """Sample from the model, and learn from measured molecules what is plausible.

        Args:
            model: The model.
            measured: Molecules with a value, the best first.
            rater: What molecules are ranked by, and which are not proposed again.
            seed: The run's seed.
        """
        self._model, self._measured, self._rater, self._seed = model, list(measured), rater, seed
        self._rng = Random(derive_seed(seed, "propose edits"))
        sampled = model.sample(_N_SAMPLES, derive_seed(seed, "propose samples"))
        self._sampled = [smiles for smiles in dict.fromkeys(sampled) if smiles is not None]
        with quiet():
            self._plausibility = Plausibility.of(self._measured, self._sampled)
        self._known = set(rater.without)
        self._graph = lru_cache(maxsize=4 * _N_PARENTS)(Graph.from_smiles)

    def samples(self) -> Candidates:
        """Return what the model samples."""
        return self._rated(self._sampled)

    def bred(self, process: GaussianProcess) -> Candidates:
        """Return the best molecules after some generations."""
        population = joined([self.samples(), self._rated(self._neighbours())]).best(self._rater.n)
        groups = groups_of([*self._measured, *self._sampled], _N_GROUPS)
        for _ in range(_N_GENERATIONS):
            mean, deviation = process.predict(population.features)
            best = np.argsort(-(mean + BETA * deviation), kind="stable")[:_N_PARENTS]
            # None of the first candidates may satisfy the constraints.
            parents = [self._measured[:_N_PARENTS], [population.standard[row] for row in best.tolist()]]
            with quiet():
                children = list(self._children([some for some in parents if some], groups))
            population = joined([population, self._rated(children)]).best(self._rater.n)
        return population

    def _rated(self, smiles: Sequence[str]) -> Candidates:
        """Return the candidates among some molecules: new ones that are plausible and satisfy the constraints."""
        new = [text for text in dict.fromkeys(smiles) if text not in self._known]
        self._known.update(new)
        with quiet():
            plausible = [Record("", 0, "", text) for text in new if self._plausibility.holds(text)]
        return self._rater(Block(np.arange(len(plausible)), plausible))[0]

    def _neighbours(self) -> list[str]:
        """Decode around the best measured molecules that the model can encode."""
        codes = torch.from_numpy(self._model.encode(self._measured[:_N_CENTRES]))
        codes = codes[torch.isfinite(codes).all(dim=1)].repeat(_N_NEIGHBOURS, 1)
        generator = torch_generator(self._seed, "propose neighbours")
        decoded = self._model.decode_region(LatentRegion.around(codes, _RADIUS), generator) if len(codes) else []
        return [smiles for smiles in decoded if smiles is not None]

    def _children(self, parents: Sequence[Sequence[str]], groups: Groups) -> Iterator[str]:
        for _ in range(_N_CHILDREN):
            first, second = (self._graph(self._rng.choice(self._rng.choice(parents))) for _ in range(2))
            if first is None or second is None:
                continue
            is_crossover = self._rng.random() < _CROSSOVER_FRACTION
            child = (
                cross(first, second, self._rng, _MAX_HEAVY_ATOMS)
                if is_crossover
                else mutate(first, self._rng, _MAX_HEAVY_ATOMS, groups)
            )
            if child is not None:
                yield Chem.MolToSmiles(child)
