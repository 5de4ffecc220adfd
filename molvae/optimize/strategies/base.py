"""What every search strategy offers: it asks for molecules to be scored and is told the scores."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import torch

from molvae.model.model import MolVAE
from molvae.optimize.objective import Evaluation, Objective
from molvae.optimize.scaffold_memory import ScaffoldMemory
from molvae.registry import Registry
from molvae.section import Section

Proposal = tuple[str, str]
"""A SMILES, and the name of what proposed it."""

Settings = TypeVar("Settings", bound=Section)


@dataclass(frozen=True)
class SearchContext:
    """What a strategy may use.

    Attributes:
        model: The trained model.
        start: Known molecules to begin with, as SMILES, in the order in which to score them.
        known: Further molecules of the training set that it may learn from without their scores.
        budget: Most molecules that are scored in the whole search.
        objective: What is searched for; the strategy leaves scoring to its caller.
        seed: Seed of the search.
        n_jobs: Processes that it may use.
        device: Where to compute.
        not_new: Canonical SMILES of what need not be proposed, since it is a known molecule without stereochemistry.
        memory: The scaffolds that were scored, if a search is to leave those of which there are enough.
    """

    model: MolVAE
    start: Sequence[str]
    known: Sequence[str]
    budget: int
    objective: Objective
    seed: int
    n_jobs: int
    device: torch.device
    not_new: Collection[str] = frozenset()
    memory: ScaffoldMemory | None = None


class Strategy(ABC, Generic[Settings]):
    """A search. The same context, settings and scores give the same proposals."""

    settings_type: ClassVar[type[Section]]
    """Its section of `molvae.config.OptimizeConfig`."""

    def __init__(self, context: SearchContext, settings: Settings) -> None:
        """Begin a search."""
        self.context = context
        self.settings = settings

    @abstractmethod
    def ask(self, n: int) -> list[Proposal]:
        """Return at most n molecules to score; none if there is nothing left to propose."""

    @abstractmethod
    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Take the scores of what was asked for."""


STRATEGIES: Registry[type[Strategy[Any]]] = Registry("strategy")
