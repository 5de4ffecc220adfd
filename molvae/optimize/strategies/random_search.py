"""Random sampling, the baseline that every search has to beat."""

from collections.abc import Sequence
from typing import ClassVar

from molvae.config import RandomSearchConfig
from molvae.optimize.objective import Evaluation
from molvae.optimize.strategies.base import STRATEGIES, Proposal, SearchContext, Strategy
from molvae.section import Section
from molvae.seeding import derive_seed


@STRATEGIES.register("random")
class RandomSearch(Strategy[RandomSearchConfig]):
    """Samples of the model's prior, whatever the scores."""

    settings_type: ClassVar[type[Section]] = RandomSearchConfig

    def __init__(self, context: SearchContext, settings: RandomSearchConfig) -> None:
        """Begin a search."""
        super().__init__(context, settings)
        self._round = 0

    def ask(self, n: int) -> list[Proposal]:
        """Return n samples, less those that are no molecule."""
        self._round += 1
        sampled = self.context.model.sample(n, derive_seed(self.context.seed, f"random search {self._round}"))
        return [(smiles, "sample") for smiles in sampled if smiles is not None]

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Learn nothing."""
