"""Search strategies: how molecules to score are chosen.

A new strategy is a module here with a registered subclass of `Strategy`, a line below, and the section of its settings
in `molvae.config.OptimizeConfig`, under the name by which it is registered.
"""

from molvae.optimize.strategies.base import STRATEGIES, Proposal, SearchContext, Strategy
from molvae.optimize.strategies.latent_search import LatentSearch
from molvae.optimize.strategies.random_search import RandomSearch

__all__ = ["STRATEGIES", "LatentSearch", "Proposal", "RandomSearch", "SearchContext", "Strategy"]
