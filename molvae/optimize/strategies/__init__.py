"""Search strategies: how molecules to score are chosen."""

from molvae.optimize.strategies.base import STRATEGIES, Proposal, SearchContext, Strategy
from molvae.optimize.strategies.latent_search import LatentSearch
from molvae.optimize.strategies.random_search import RandomSearch

__all__ = ["STRATEGIES", "LatentSearch", "Proposal", "RandomSearch", "SearchContext", "Strategy"]
