"""Bayesian optimisation within a trust region of the latent space."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molvae.config import TrustRegionSearchConfig
from molvae.errors import ConfigError
from molvae.optimize.objective import Evaluation
from molvae.optimize.strategies.base import STRATEGIES, Proposal, SearchContext, Strategy
from molvae.optimize.strategies.history import History
from molvae.section import Section
from molvae.seeding import derive_seed

if TYPE_CHECKING:
    from types import ModuleType

# Standard deviations of the start molecules' codes that the unit cube of the Gaussian process spans in each dimension.
_CUBE_WIDTH = 8.0
# Dimensions in which a candidate differs from the centre, on average: few, because in many dimensions nearly every
# point of a cube is far from its centre.
_N_MOVED = 20


@dataclass(frozen=True)
class TrustRegion:
    """A cube around the best code, whose side follows success.

    Attributes:
        length: Side of the cube in units of the Gaussian process's inputs.
        best: Best score so far.
        n_successes: Rounds in a row that improved it.
        n_failures: Rounds in a row that did not.
    """

    length: float
    best: float = -math.inf
    n_successes: int = 0
    n_failures: int = 0

    def after(self, best_of_round: float, settings: TrustRegionSearchConfig) -> "TrustRegion":
        """Return the region after a round: doubled after successes, halved after failures, begun anew when tiny."""
        is_success = best_of_round > self.best + 1e-3 * abs(self.best) if math.isfinite(self.best) else True
        best = max(self.best, best_of_round)
        n_successes = self.n_successes + 1 if is_success else 0
        n_failures = 0 if is_success else self.n_failures + 1
        if n_successes == settings.success_tolerance:
            return TrustRegion(min(2.0 * self.length, settings.max_length), best)
        if n_failures == settings.failure_tolerance:
            shorter = 0.5 * self.length
            return TrustRegion(settings.initial_length if shorter < settings.min_length else shorter, best)
        return replace(self, best=best, n_successes=n_successes, n_failures=n_failures)


@STRATEGIES.register("trust_region")
class TrustRegionSearch(Strategy[TrustRegionSearchConfig]):
    """Thompson sampling in a trust region around the code of the best molecule, with BoTorch.

    A Gaussian process on the codes of the scored molecules in and near the region is fitted in each round. Points of
    the region that are the best of a draw of its posterior are decoded. A score belongs to the code of the molecule
    that was scored. The latent space stays as it is.

    References:
        Eriksson et al., Scalable global optimization via local Bayesian optimization, NeurIPS 2019, arXiv:1910.01739
        (TuRBO).
        Maus et al., Local latent space Bayesian optimization over structured inputs, NeurIPS 2022, arXiv:2201.11872
        (in the latent space of a model of molecules, which is there trained further as well).
    """

    settings_type: ClassVar[type[Section]] = TrustRegionSearchConfig

    def __init__(self, context: SearchContext, settings: TrustRegionSearchConfig) -> None:
        """Begin a search.

        Raises:
            ConfigError: If BoTorch is not installed.
        """
        super().__init__(context, settings)
        self._thompson = _thompson()
        self._history = History(context)
        self._codes: dict[str, NDArray[np.float32]] = {}
        self._region = TrustRegion(settings.initial_length)
        self._round = 0
        self._scale: tuple[Tensor, Tensor] | None = None

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Take the scores of what was asked for."""
        smiles = self._history.tell(evaluations)
        codes = self.context.model.encode(smiles)
        self._codes |= {text: code for text, code in zip(smiles, codes, strict=True) if np.isfinite(code).all()}
        if smiles:
            best_of_round = max(self._history.scores[text] for text in smiles)
            if self._round:
                self._region = self._region.after(best_of_round, self.settings)
            else:
                self._region = replace(self._region, best=max(self._region.best, best_of_round))

    def ask(self, n: int) -> list[Proposal]:
        """Return the next n molecules to score."""
        if first := self._history.start(n):
            return first
        if len(self._codes) < 2:
            return self._history.fill([], n)
        self._round += 1
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(self.context.seed, f"trust region search {self._round}"))
            return self._history.fill(self._sampled(n), n)

    def _sampled(self, n: int) -> list[Proposal]:
        """Return decoded Thompson samples; more than n, because several points may decode to one molecule."""
        smiles = list(self._codes)
        inputs = self._inputs(np.stack([self._codes[text] for text in smiles]))
        scores = torch.tensor([self._history.scores[text] for text in smiles], dtype=torch.float64)
        centre = inputs[scores.argmax()]
        rows = self._rows_near(inputs, centre)
        model = self._thompson.fit_gp(inputs[rows], scores[rows])
        candidates = self._candidates(centre, self._thompson.length_scales(model))
        n_samples = min(self.settings.samples_per_call * n, len(candidates))
        samples = self._thompson.thompson_sample(model, candidates, n_samples)
        decoded = self.context.model.generate(self._codes_at(samples))
        return [(text, "trust_region") for text in decoded if text is not None]

    def _rows_near(self, inputs: Tensor, centre: Tensor) -> Tensor:
        """Return the rows within the region, and the nearest ones outside of it up to a minimum."""
        distance = (inputs - centre).abs().amax(dim=1)
        n_inside = int((distance <= 0.5 * self._region.length).sum())
        n_rows = min(max(n_inside, self.settings.min_points), self.settings.max_points)
        return distance.argsort(stable=True)[:n_rows]

    def _candidates(self, centre: Tensor, scales: Tensor) -> Tensor:
        """Return points of the region, a cube stretched along the longer length scales, float64 (N, D)."""
        n, n_dims = self.settings.n_candidates, len(centre)
        weights = scales / scales.log().mean().exp()
        seed = derive_seed(self.context.seed, f"trust region points {self._round}")
        sobol = torch.quasirandom.SobolEngine(n_dims, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
        points = sobol.draw(n, dtype=centre.dtype)
        offsets = weights * self._region.length * (points - 0.5)
        moved = torch.rand(n, n_dims) < min(1.0, _N_MOVED / n_dims)
        # Each moves in one dimension at least.
        moved[torch.arange(n), torch.randint(n_dims, (n,))] = True
        return centre + offsets * moved

    def _inputs(self, codes: NDArray[np.float32]) -> Tensor:
        """Return codes in the units of the Gaussian process, float64 (N, D); the first ones set the scale."""
        z = torch.from_numpy(codes).double()
        if self._scale is None:
            self._scale = z.mean(dim=0), _CUBE_WIDTH * z.std(dim=0).clamp(min=1e-3)
        mean, width = self._scale
        return (z - mean) / width + 0.5

    def _codes_at(self, inputs: Tensor) -> Tensor:
        assert self._scale is not None
        mean, width = self._scale
        return ((inputs - 0.5) * width + mean).float()


def _thompson() -> "ModuleType":
    """Return the module that needs BoTorch, which takes seconds to load."""
    try:
        from molvae.optimize import thompson
    except ImportError as error:
        raise ConfigError(
            f"optimize.strategy: trust_region expects BoTorch, found that it cannot be imported ({error}); "
            "install it: pip install 'molvae[botorch]'"
        ) from error
    return thompson
