"""A score that a search can climb, and a strategy that has been told such scores."""

import pytest

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.molecules import parse
from molvae.optimize.objective import Evaluation, load_objective
from molvae.optimize.strategies import SearchContext


def polar(smiles):
    """Polar surface, up to 1 at 200 square angstrom."""
    return min(1.0, PROPERTIES["tpsa"].compute(parse(smiles)) / 200.0)


@pytest.fixture
def polarity():
    return polar


@pytest.fixture
def told(model):
    """Make a strategy without start molecules that knows the scores of some; without a score, their polar surface."""

    def make(strategy, settings, smiles, score=None):
        objective = load_objective("qed")
        made = strategy(SearchContext(model, [], [], 150, objective, 1, n_jobs=1, device=model.device), settings)
        scores = [polar(molecule) if score is None else score for molecule in smiles]
        made.tell([Evaluation(*pair, True, "ok", {}, {}) for pair in zip(smiles, scores, strict=True)])
        return made

    return make
