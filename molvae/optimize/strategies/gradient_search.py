"""Gradient ascent of a predicted score in the latent space."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from molvae.config import GradientSearchConfig
from molvae.optimize.objective import Evaluation
from molvae.optimize.strategies.base import STRATEGIES, Proposal, SearchContext, Strategy
from molvae.optimize.strategies.history import History, draw_ranks
from molvae.section import Section
from molvae.seeding import derive_seed, numpy_generator


@STRATEGIES.register("gradient")
class GradientSearch(Strategy[GradientSearchConfig]):
    """Follows the gradient of a small network, which predicts scores from codes, from the codes of the best molecules.

    In each round the network is trained further on all scored molecules. Ascents of different lengths start around
    the codes of the best; where they end is decoded, and the molecules of the highest predictions are proposed. The
    latent space stays as it is.

    References:
        Gómez-Bombarelli et al., Automatic chemical design using a data-driven continuous representation of molecules,
        ACS Central Science 2018, doi:10.1021/acscentsci.7b00572 (there with a Gaussian process).
    """

    settings_type: ClassVar[type[Section]] = GradientSearchConfig

    def __init__(self, context: SearchContext, settings: GradientSearchConfig) -> None:
        """Begin a search."""
        super().__init__(context, settings)
        self._history = History(context)
        self._codes: dict[str, NDArray[np.float32]] = {}
        self._round = 0
        self._scale: tuple[Tensor, Tensor] | None = None
        width = settings.hidden
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(context.seed, "gradient search"))
            self._network = nn.Sequential(
                *(nn.Linear(context.model.latent_dim, width), nn.SiLU()),
                *(nn.Linear(width, width), nn.SiLU()),
                nn.Linear(width, 1),
            )
        self._optimizer = torch.optim.AdamW(self._network.parameters(), lr=settings.learning_rate)

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Take the scores of what was asked for."""
        smiles = self._history.tell(evaluations)
        codes = self.context.model.encode(smiles)
        self._codes |= {text: code for text, code in zip(smiles, codes, strict=True) if np.isfinite(code).all()}

    def ask(self, n: int) -> list[Proposal]:
        """Return the next n molecules to score."""
        if first := self._history.start(n):
            return first
        self._round += 1
        return self._history.fill(self._ascended(n) if self._codes else [], n)

    def _ascended(self, n: int) -> list[Proposal]:
        """Return decoded ends of ascents, those of the highest predictions first."""
        rng = numpy_generator(self.context.seed, f"gradient search {self._round}")
        self._train(rng)
        best = [smiles for smiles in self._history.best(self.settings.n_incumbents) if smiles in self._codes]
        if not best:
            return []
        codes = self._inputs(best)
        size = self.settings.ascents_per_call * n
        starts = codes[draw_ranks(len(best), size, self.settings.rank_offset, rng)]
        noise = torch.from_numpy(rng.standard_normal(starts.shape)).float()
        ends, predicted = self._ascend(starts + self.settings.radius * noise, rng)
        decoded = self.context.model.generate(self._codes_at(ends))
        order = torch.argsort(predicted, descending=True, stable=True).tolist()
        return [(smiles, "ascent") for i in order if (smiles := decoded[i]) is not None]

    def _train(self, rng: np.random.Generator) -> None:
        """Train the network further to predict standardised scores."""
        smiles = list(self._codes)
        codes = self._inputs(smiles)
        scores = torch.tensor([self._history.scores[text] for text in smiles])
        targets = (scores - scores.mean()) / scores.std(correction=0).clamp(min=1e-6)
        for _ in range(self.settings.n_steps):
            rows = torch.from_numpy(rng.integers(len(smiles), size=self.settings.batch_size))
            loss = nn.functional.mse_loss(self._network(codes[rows])[:, 0], targets[rows])
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()

    def _inputs(self, smiles: Sequence[str]) -> Tensor:
        """Return standardised codes, float32 (N, D); those of the first molecules set the scale."""
        codes = torch.from_numpy(np.stack([self._codes[text] for text in smiles]))
        if self._scale is None:
            self._scale = codes.mean(dim=0), codes.std(dim=0, correction=0).clamp(min=1e-3)
        mean, deviation = self._scale
        return (codes - mean) / deviation

    def _codes_at(self, inputs: Tensor) -> Tensor:
        assert self._scale is not None
        mean, deviation = self._scale
        return mean + deviation * inputs

    def _ascend(self, inputs: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Follow the gradient with steps of one length, a random number of them from each code.

        Args:
            inputs: Standardised codes, float32 (N, D).
            rng: Random number generator.

        Returns:
            The ends, float32 (N, D), and their predictions, float32 (N,).
        """
        n_steps = torch.from_numpy(rng.integers(1, self.settings.max_ascent_steps + 1, size=(len(inputs), 1)))
        for step in range(self.settings.max_ascent_steps):
            inputs = inputs.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self._network(inputs).sum(), inputs)
            direction = nn.functional.normalize(gradient, dim=1)
            inputs = torch.where(step < n_steps, inputs + self.settings.step_length * direction, inputs)
        ends = inputs.detach()
        with torch.no_grad():
            return ends, self._network(ends)[:, 0]
