"""Search in the latent space, with everything re-fitted around the incumbents in each round."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molvae.chem.fingerprints import morgan_bits
from molvae.model.model import MolVAE
from molvae.optimize.objective import Evaluation
from molvae.optimize.strategies.base import STRATEGIES, Proposal, SearchContext, Strategy
from molvae.optimize.strategies.refit import refit
from molvae.optimize.strategies.surrogate import TanimotoGP, expected_improvement
from molvae.seeding import derive_seed, numpy_generator, torch_generator

N_INCUMBENTS = 100
# Molecules that each way of proposing adds to a round's pool, from which the surrogate chooses.
POOL_SHARE = 800
# An infeasible molecule is worth less to the search than a feasible one, but it shows the way.
INFEASIBLE = 0.5
# Range of the noise around an incumbent's code, in each dimension: from near copies to other scaffolds.
RADII = (0.15, 1.0)
# The surrogate's cost grows with the cube of the molecules that it knows.
MAX_KNOWN_TO_SURROGATE = 3000
FINGERPRINT_BITS = 2048


@STRATEGIES.register("latent")
class LatentSearch(Strategy):
    """Proposes from the latent space around the best molecules so far, and screens with a surrogate.

    First the given molecules are scored. Then, in each round, a copy of the model is trained a little further on the
    incumbents (the best molecules so far), which re-fits its latent space and its prior to them; the incumbents are
    encoded anew; and a pool of molecules is proposed:

    - `perturb`: decoded from around an incumbent's code;
    - `cross`: decoded from the line through two incumbents' codes, between them and a little beyond;
    - `prior`: written by the re-fitted decoder without a code.

    A Gaussian process on the structures of all scored molecules then chooses those with the largest expected
    improvement. A score always belongs to the molecule that was scored, never to the code that it was decoded from.

    References:
        Tripp, Daxberger and Hernandez-Lobato, Sample-efficient optimization in the latent space of deep generative
        models via weighted retraining, NeurIPS 2020, arXiv:2006.09191 (re-fitting the model to the incumbents).
        Maus et al., Local latent space Bayesian optimization over structured inputs, NeurIPS 2022, arXiv:2201.11872
        (a local, re-fitted latent space).
    """

    def __init__(self, setting: SearchContext) -> None:
        """Begin a search."""
        self._setting = setting
        # A copy is trained; the caller's model stays as it is.
        self._model: MolVAE = setting.model.copy()
        self._to_start = list(setting.start)
        self._scores: dict[str, float] = {}
        self._fingerprints: dict[str, NDArray[np.uint8]] = {}
        self._round = 0

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Take the scores of what was asked for; a molecule that could not be scored counts as worthless."""
        scored = [each for each in evaluations if each.status in ("ok", "failed")]
        for each in scored:
            worth = each.score if each.feasible else INFEASIBLE * each.score
            self._scores[each.smiles] = float(np.nan_to_num(worth))
        smiles = [each.smiles for each in scored]
        self._fingerprints.update(zip(smiles, morgan_bits(smiles, FINGERPRINT_BITS), strict=True))

    def ask(self, n: int) -> list[Proposal]:
        """Return the next n molecules to score."""
        if self._to_start:
            first, self._to_start = self._to_start[:n], self._to_start[n:]
            return [(smiles, "start") for smiles in first]
        self._round += 1
        incumbents = self._incumbents()
        if not incumbents:
            sampled = self._setting.model.sample(n, derive_seed(self._setting.seed, f"search prior {self._round}"))
            return [(smiles, "prior") for smiles in sampled if smiles is not None]
        refit(self._model, incumbents, self._setting.known, self._round, self._setting.seed)
        pool = self._pool(incumbents)
        return self._screen(pool, n)

    def _incumbents(self) -> list[str]:
        """Return the best molecules so far, the best first."""
        ranked = sorted(self._scores, key=lambda smiles: -self._scores[smiles])
        return ranked[:N_INCUMBENTS]

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
        random = numpy_generator(self._setting.seed, f"search {self._round}")
        generator = torch_generator(self._setting.seed, f"search {self._round}")
        if len(codes):
            parents = codes[self._choose_parents(len(codes), random)]
            radii = np.exp(random.uniform(math.log(RADII[0]), math.log(RADII[1]), size=(POOL_SHARE, 1)))
            noise = random.standard_normal(parents.shape) * radii
            yield "perturb", self._model.generate(parents + torch.from_numpy(noise).float())
            others = codes[self._choose_parents(len(codes), random)]
            share = torch.from_numpy(random.uniform(-0.25, 1.25, size=(POOL_SHARE, 1))).float()
            yield "cross", self._model.generate(torch.lerp(parents, others, share))
        bare = torch.zeros(POOL_SHARE, self._model.latent_dim)
        yield "prior", self._model.generate(bare, 1.0, generator)

    @staticmethod
    def _choose_parents(n: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Draw ranks, the better ones more often: geometrically, with a mean of a fifth of the incumbents."""
        return np.minimum(random.geometric(min(1.0, 5.0 / n), size=POOL_SHARE) - 1, n - 1)

    def _screen(self, pool: dict[str, str], n: int) -> list[Proposal]:
        """Return the n molecules of the pool with the largest expected improvement, best first."""
        if not pool:
            return []
        known = sorted(self._scores, key=lambda smiles: -self._scores[smiles])[:MAX_KNOWN_TO_SURROGATE]
        surrogate = TanimotoGP.fit(
            np.stack([self._fingerprints[smiles] for smiles in known]),
            np.array([self._scores[smiles] for smiles in known]),
        )
        candidates = list(pool)
        mean, deviation = surrogate.predict(morgan_bits(candidates, FINGERPRINT_BITS))
        gain = expected_improvement(mean, deviation, best=self._scores[known[min(10, len(known)) - 1]])
        chosen = np.argsort(-gain, kind="stable")[:n]
        return [(candidates[i], pool[candidates[i]]) for i in chosen]
