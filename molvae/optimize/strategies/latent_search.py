"""Search in the latent space, with everything refitted around the incumbents in each round."""

import math
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molvae.chem.fingerprints import PackedBits, morgan_bits
from molvae.config import LatentSearchConfig
from molvae.model.model import MolVAE
from molvae.optimize.objective import Evaluation
from molvae.optimize.strategies.base import STRATEGIES, Proposal, SearchContext, Strategy
from molvae.optimize.strategies.refit import refit
from molvae.optimize.strategies.surrogate import TanimotoGP, expected_improvement
from molvae.section import Section
from molvae.seeding import derive_seed, numpy_generator, torch_generator


@STRATEGIES.register("latent")
class LatentSearch(Strategy[LatentSearchConfig]):
    """Proposes from the latent space around the best molecules so far, and screens with a surrogate.

    The given molecules are scored first. Then, in each round, a copy of the model is trained a little further on the
    incumbents (the best molecules so far), which refits its latent space and its prior to them; the incumbents are
    encoded again; and a pool of molecules is proposed, under the names of their origins:

    - `perturb`: decoded from a perturbed code of an incumbent;
    - `cross`: decoded from interpolated codes of two incumbents, extrapolated a little at both ends;
    - `prior`: sampled from the re-fitted decoder unconditionally.

    A Gaussian process on the structures of all scored molecules then chooses those with the largest expected
    improvement. A score always belongs to the molecule that was scored, never to the code that it was decoded from.

    References:
        Tripp, Daxberger and Hernandez-Lobato, Sample-efficient optimization in the latent space of deep generative
        models via weighted retraining, NeurIPS 2020, arXiv:2006.09191 (refitting the model to the incumbents).
        Maus et al., Local latent space Bayesian optimization over structured inputs, NeurIPS 2022, arXiv:2201.11872
        (a local, refitted latent space).
    """

    settings_type: ClassVar[type[Section]] = LatentSearchConfig

    def __init__(self, context: SearchContext, settings: LatentSearchConfig) -> None:
        """Begin a search."""
        super().__init__(context, settings)
        # A copy is trained; the caller's model stays as it is.
        self._model: MolVAE = context.model.copy()
        self._to_start = list(context.start)
        self._scores: dict[str, float] = {}
        self._fingerprints: dict[str, NDArray[np.uint8]] = {}
        self._round = 0

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Take the scores of what was asked for; a molecule that could not be scored counts as 0."""
        scored = [evaluation for evaluation in evaluations if evaluation.status in ("ok", "failed")]
        for evaluation in scored:
            weight = 1.0 if evaluation.feasible else self.settings.infeasible_weight
            self._scores[evaluation.smiles] = float(np.nan_to_num(weight * evaluation.score))
        smiles = [evaluation.smiles for evaluation in scored]
        self._fingerprints.update(zip(smiles, self._bits(smiles), strict=True))

    def ask(self, n: int) -> list[Proposal]:
        """Return the next n molecules to score."""
        if self._to_start:
            first, self._to_start = self._to_start[:n], self._to_start[n:]
            return [(smiles, "start") for smiles in first]
        self._round += 1
        incumbents = self._incumbents()
        if not incumbents:
            sampled = self.context.model.sample(n, derive_seed(self.context.seed, f"search prior {self._round}"))
            return [(smiles, "prior") for smiles in sampled if smiles is not None]
        refit(self._model, incumbents, self.context.known, self._round, self.context.seed, self.settings.refit)
        pool = self._pool(incumbents)
        return self._screen(pool, n)

    def _incumbents(self) -> list[str]:
        """Return the best molecules so far, the best first."""
        ranked = sorted(self._scores, key=lambda smiles: -self._scores[smiles])
        return ranked[: self.settings.n_incumbents]

    def _pool(self, incumbents: list[str]) -> dict[str, str]:
        """Return new molecules, each with the name of what proposed it."""
        codes = torch.from_numpy(self._model.encode(incumbents))
        codes = codes[torch.isfinite(codes).all(1)]
        pool: dict[str, str] = {}
        for origin, proposed in self._proposals(codes):
            for smiles in proposed:
                if smiles is not None and smiles not in self._scores:
                    pool.setdefault(smiles, origin)
        return pool

    def _proposals(self, codes: Tensor) -> Iterator[tuple[str, list[str | None]]]:
        """Yield what each way of proposing gives, from the incumbents' codes, float32 (K, D), the best first."""
        size = self.settings.pool_size
        rng = numpy_generator(self.context.seed, f"search {self._round}")
        generator = torch_generator(self.context.seed, f"search {self._round}")
        if len(codes):
            parents = codes[self._draw_parents(len(codes), rng)]
            log_radii = math.log(self.settings.min_radius), math.log(self.settings.max_radius)
            radii = np.exp(rng.uniform(*log_radii, size=(size, 1)))
            noise = rng.standard_normal(parents.shape) * radii
            yield "perturb", self._model.generate(parents + torch.from_numpy(noise).float())
            others = codes[self._draw_parents(len(codes), rng)]
            beyond = self.settings.extrapolation
            t = torch.from_numpy(rng.uniform(-beyond, 1.0 + beyond, size=(size, 1))).float()
            yield "cross", self._model.generate(torch.lerp(parents, others, t))
        yield "prior", self._model.generate(torch.zeros(size, self._model.latent_dim), 1.0, generator)

    def _draw_parents(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw ranks among n incumbents, the better ones more often, geometrically: int64 (pool_size,)."""
        probability = min(1.0, self.settings.rank_pressure / n)
        return np.minimum(rng.geometric(probability, size=self.settings.pool_size) - 1, n - 1)

    def _screen(self, pool: dict[str, str], n: int) -> list[Proposal]:
        """Return the n molecules of the pool with the largest expected improvement, best first."""
        if not pool:
            return []
        settings = self.settings.surrogate
        known = sorted(self._scores, key=lambda smiles: -self._scores[smiles])[: settings.max_molecules]
        surrogate = TanimotoGP.fit(
            np.stack([self._fingerprints[smiles] for smiles in known]),
            np.array([self._scores[smiles] for smiles in known]),
            settings.noise_fractions,
        )
        candidates = list(pool)
        mean, deviation = surrogate.predict(self._bits(candidates))
        gain = expected_improvement(
            mean, deviation, best=self._scores[known[min(settings.reference_rank, len(known)) - 1]]
        )
        chosen = np.argsort(-gain, kind="stable")[:n]
        return [(candidates[i], pool[candidates[i]]) for i in chosen]

    def _bits(self, smiles: Sequence[str]) -> PackedBits:
        """Return the fingerprints that the surrogate compares molecules by."""
        return morgan_bits(smiles, self.settings.surrogate.fingerprint_bits)
