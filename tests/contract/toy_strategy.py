"""A strategy as one adds it: in a file, with the section of its settings."""

from molvae.optimize.strategies.base import STRATEGIES, Strategy
from molvae.section import Count
from molvae.strategy_config import StrategyConfig


class ToyConfig(StrategyConfig):
    """Known molecules in their order."""

    n_skipped: Count = 2
    """Molecules to leave out."""


@STRATEGIES.register("toy")
class ToySearch(Strategy[ToyConfig]):
    """Known molecules in their order."""

    settings_type = ToyConfig

    def __init__(self, context, settings):
        super().__init__(context, settings)
        self._left = list(context.known[settings.n_skipped : context.budget])

    def ask(self, n):
        asked, self._left = self._left[:n], self._left[n:]
        return [(smiles, "toy") for smiles in asked]

    def tell(self, evaluations):
        pass
