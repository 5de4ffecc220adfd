import numpy as np
import pytest

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.molecules import parse
from molvae.config import LatentSearchConfig, RandomSearchConfig
from molvae.optimize.objective import Evaluation, load_objective
from molvae.optimize.strategies.base import SearchContext
from molvae.optimize.strategies.latent_search import LatentSearch
from molvae.optimize.strategies.random_search import RandomSearch


def context(model, start, known):
    return SearchContext(model, start, known, 150, load_objective("qed"), seed=1, n_jobs=1, device=model.device)


def tpsa(smiles):
    """A score that a search can climb: polar surface, up to 1 at 200 square angstrom."""
    return min(1.0, PROPERTIES["tpsa"].compute(parse(smiles)) / 200.0)


def search(strategy, calls):
    scores = {}
    while len(scores) < calls:
        new = [smiles for smiles, _ in strategy.ask(25) if smiles not in scores]
        evaluations = [Evaluation(smiles, tpsa(smiles), True, "ok", {}, {}) for smiles in new]
        scores |= {evaluation.smiles: evaluation.score for evaluation in evaluations}
        strategy.tell(evaluations)
    return np.sort(list(scores.values()))[::-1]


@pytest.mark.timeout(120)
def test_it_beats_its_start_and_random_sampling(model, smiles):
    start = smiles[:50]
    best = search(LatentSearch(context(model, start, smiles), LatentSearchConfig()), 150)
    at_random = search(RandomSearch(context(model, [], smiles), RandomSearchConfig()), 150)
    best_of_start = np.sort([tpsa(molecule) for molecule in start])[::-1]
    assert best[:10].mean() > best_of_start[:10].mean() + 0.05
    assert best[:10].mean() > at_random[:10].mean() + 0.05


def test_it_scores_the_given_molecules_first(model, smiles):
    strategy = LatentSearch(context(model, smiles[:7], smiles), LatentSearchConfig())
    assert [molecule for _ in range(2) for molecule, _ in strategy.ask(5)] == smiles[:7]


def test_it_never_asks_again_for_what_was_scored(model, smiles):
    strategy = LatentSearch(context(model, smiles[:10], smiles), LatentSearchConfig())
    asked = []
    for _ in range(4):
        proposals = strategy.ask(10)
        asked += [molecule for molecule, _ in proposals]
        strategy.tell([Evaluation(molecule, tpsa(molecule), True, "ok", {}, {}) for molecule, _ in proposals])
    assert len(set(asked)) == len(asked)


def test_its_settings_say_how_large_the_pool_is(model, smiles):
    small = LatentSearchConfig(pool_size=7, n_incumbents=3, refit={"n_steps": 1, "batch_size": 4})
    strategy = LatentSearch(context(model, [], smiles), small)
    strategy.tell([Evaluation(text, tpsa(text), True, "ok", {}, {}) for text in smiles[:10]])
    proposals = strategy.ask(100)
    assert 0 < len(proposals) <= 21
    assert {origin for _, origin in proposals} <= {"perturb", "cross", "prior"}
