"""What every search strategy offers: it asks for molecules to be scored and is told the scores."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from molvae.model.model import MolVAE
from molvae.optimize.objective import Evaluation
from molvae.registry import Registry

Proposal = tuple[str, str]
"""A SMILES, and the name of what proposed it."""


@dataclass(frozen=True)
class SearchContext:
    """What a strategy may use.

    Attributes:
        model: The trained model.
        start: Known molecules to begin with, as SMILES, in the order in which to score them.
        known: Further molecules of the training set that it may learn from without their scores.
        seed: Seed of the search.
    """

    model: MolVAE
    start: Sequence[str]
    known: Sequence[str]
    seed: int


class Strategy(ABC):
    """A search. The same setting and the same scores give the same proposals."""

    @abstractmethod
    def __init__(self, setting: SearchContext) -> None:
        """Begin a search."""

    @abstractmethod
    def ask(self, n: int) -> list[Proposal]:
        """Return at most n molecules to score; none if there is nothing left to propose."""

    @abstractmethod
    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Take the scores of what was asked for."""


STRATEGIES: Registry[type[Strategy]] = Registry("strategy")
