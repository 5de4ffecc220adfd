from dataclasses import replace

import numpy as np
import pytest

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.fingerprints import morgan_bits, nearest_within
from molvae.chem.molecules import canonical_smiles, parse
from molvae.config import LatentSearchConfig, RandomSearchConfig
from molvae.optimize.front import desirability_matrix
from molvae.optimize.objective import Evaluation, Objective, load_objective
from molvae.optimize.pareto import hypervolume
from molvae.optimize.spec import ObjectiveSpec
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


def proposals(model, smiles, n, **settings):
    strategy = LatentSearch(context(model, [], smiles), LatentSearchConfig(min_batch=n, **settings))
    strategy.tell([Evaluation(text, tpsa(text), True, "ok", {}, {}) for text in smiles[:40]])
    return strategy.ask(n)


def origins(model, smiles, **settings):
    return {origin for _, origin in proposals(model, smiles, 60, max_similarity=1.0, **settings)}


def test_each_way_of_proposing_can_be_switched_off(model, smiles):
    no_edits = {"n_generations": 0, "mutation_fraction": 0.0}
    no_model = {"n_perturbed": 0, "n_interpolated": 0, "n_sampled": 0, "refit": {"n_steps": 0}}
    assert origins(model, smiles, **no_edits) <= {"perturb", "cross", "prior"}
    assert origins(model, smiles, **no_model) == {"mutation", "crossover", "blind mutation"}
    assert origins(model, smiles, **no_model, crossover_fraction=0.0, mutation_fraction=0.0) == {"mutation"}
    assert proposals(model, smiles, 5, **no_edits, **no_model) == []


def test_a_batch_has_no_close_analogues(model, smiles):
    chosen = [text for text, _ in proposals(model, smiles, 30, max_similarity=0.6, mutation_fraction=0.0)]
    assert len(chosen) > 15
    assert nearest_within(morgan_bits(chosen)).max() <= 0.6


def test_what_is_not_new_is_proposed_in_no_way(model, smiles):
    def asked(not_new):
        of_search = replace(context(model, [], smiles), not_new=not_new)
        strategy = LatentSearch(of_search, LatentSearchConfig(min_batch=40, max_similarity=1.0))
        strategy.tell([Evaluation(text, tpsa(text), True, "ok", {}, {}) for text in smiles[:40]])
        return dict(strategy.ask(40))

    first = asked(frozenset())
    assert "blind mutation" in first.values()
    assert not set(first) & set(asked(frozenset(first)))


def test_a_batch_is_whole_where_too_little_is_far_from_the_best_molecule(model, smiles):
    nearly_everything_is_near = {"similarity": 0.0}
    settings = {"far_fraction": 1.0, "max_similarity": 1.0, "mutation_fraction": 0.0}
    assert len(proposals(model, smiles, 60, lineages=nearly_everything_is_near, **settings)) == 60


def test_batches_are_small_while_there_are_few_scores(model, smiles):
    strategy = LatentSearch(context(model, [], smiles), LatentSearchConfig(min_batch=4, batch_growth=0.1))
    strategy.tell([Evaluation(text, tpsa(text), True, "ok", {}, {}) for text in smiles[:30]])
    assert len(strategy.ask(50)) == 4
    strategy.tell([Evaluation(text, tpsa(text), True, "ok", {}, {}) for text in smiles[30:80]])
    assert 4 < len(strategy.ask(50)) <= 8
    assert len(strategy.ask(5)) <= 5


def test_proposed_molecules_are_canonical_and_not_too_large(model, smiles):
    for text, _ in proposals(model, smiles, 40, max_heavy_atoms=20):
        assert canonical_smiles(text) == text
        assert parse(text).GetNumHeavyAtoms() <= 20


@pytest.fixture
def constrained(tmp_path):
    spec = {
        "name": "constrained",
        "terms": [{"property": "qed"}, {"property": "logp", "maximise": {"low": 0.0, "high": 6.0}}],
        "constraints": [{"property": "mol_weight", "max": 300}, {"alerts": ["BRENK"]}],
    }
    return Objective(ObjectiveSpec.model_validate(spec), tmp_path)


@pytest.mark.parametrize("grey_box", [True, False])
def test_no_proposal_violates_a_constraint_that_is_known_beforehand(model, smiles, constrained, grey_box):
    given = replace(context(model, [], smiles), objective=constrained)
    strategy = LatentSearch(given, LatentSearchConfig(grey_box=grey_box, min_batch=20))
    strategy.tell(constrained.evaluate_batch(smiles[:40]))
    evaluations = constrained.evaluate_batch([text for text, _ in strategy.ask(20)])
    assert len(evaluations) > 10
    assert all(evaluation.feasible for evaluation in evaluations)


def test_batches_are_small_where_all_of_the_objective_is_known(model, smiles, constrained):
    given = replace(context(model, [], smiles), objective=constrained)
    strategy = LatentSearch(given, LatentSearchConfig(known_batch=7))
    strategy.tell(constrained.evaluate_batch(smiles[:40]))
    assert 0 < len(strategy.ask(20)) <= 7


GOALS = {
    "name": "goals",
    "mean": "pareto",
    "terms": [
        {"property": "tpsa", "maximise": {"low": 0.0, "high": 150.0}},
        {"property": "logp", "maximise": {"low": 0.0, "high": 6.0}},
    ],
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("grey_box", [True, False])
def test_goals_that_are_kept_apart_are_improved_along_the_front(model, smiles, tmp_path, grey_box):
    goals = Objective(ObjectiveSpec.model_validate(GOALS), tmp_path)
    given = replace(context(model, [], smiles), objective=goals)
    strategy = LatentSearch(given, LatentSearchConfig(grey_box=grey_box, min_batch=20))
    evaluations = goals.evaluate_batch(smiles[:60])
    strategy.tell(evaluations)
    start = reached = desirability_matrix(evaluations, goals)
    for _ in range(4):
        evaluations = goals.evaluate_batch([text for text, _ in strategy.ask(20)])
        strategy.tell(evaluations)
        reached = np.concatenate([reached, desirability_matrix(evaluations, goals)])
    assert len(reached) == 140
    assert hypervolume(reached) > hypervolume(start) + 0.05
    # Molecules with most of one goal are improved as well as those with some of both.
    assert (reached[60:].max(axis=0) > np.quantile(start, 0.9, axis=0)).all()


def test_what_costs_nothing_is_computed_and_not_predicted(model, smiles, constrained):
    given = replace(context(model, [], smiles), objective=constrained)
    start = constrained.evaluate_batch(smiles[:40])
    strategy = LatentSearch(given, LatentSearchConfig(mutation_fraction=0.0, far_fraction=0.0))
    strategy.tell(start)
    proposed = constrained.evaluate_batch([text for text, _ in strategy.ask(10)])
    assert min(evaluation.score for evaluation in proposed) > max(one.score for one in start if one.feasible)


def hard(tmp_path, **keys):
    """An objective whose constraints hardly any drug-like molecule satisfies."""
    limits = [{"property": "mol_weight", "max": 130}, {"property": "logp", "min": 0.0, "max": 1.0}, {"has": "C(=O)N"}]
    spec = {"name": "hard", "terms": [{"property": "qed"}], "constraints": limits, **keys}
    return Objective(ObjectiveSpec.model_validate(spec), tmp_path)


def test_the_first_feasible_molecules_are_bred_from_those_that_violate_the_constraints_least(model, smiles, tmp_path):
    objective = hard(tmp_path)
    told = [evaluation for evaluation in objective.evaluate_batch(smiles[:60]) if not evaluation.feasible]
    strategy = LatentSearch(replace(context(model, [], smiles), objective=objective), LatentSearchConfig())
    strategy.tell(told)
    evaluations = objective.evaluate_batch([text for text, _ in strategy.ask(20)])
    assert len(evaluations) > 5
    assert all(evaluation.feasible for evaluation in evaluations)


def test_without_a_score_above_zero_it_still_breeds_among_constraints(model, smiles, tmp_path):
    objective = hard(tmp_path, terms=[{"property": "qed", "maximise": {"low": 0.98, "high": 1.0}}])
    strategy = LatentSearch(replace(context(model, [], smiles), objective=objective), LatentSearchConfig())
    strategy.tell(objective.evaluate_batch(smiles[:40]))
    assert {origin for _, origin in strategy.ask(20)} & {"mutation", "crossover"}


def test_of_the_first_samples_those_that_violate_the_constraints_least_are_scored(model, smiles, tmp_path):
    limits = [{"property": "mol_weight", "max": 250}]
    objective = hard(tmp_path, constraints=limits)
    strategy = LatentSearch(replace(context(model, [], []), objective=objective), LatentSearchConfig())
    first = objective.evaluate_batch([text for text, _ in strategy.ask(10)])
    at_random = objective.evaluate_batch([text for text in model.sample(100, 1) if text])
    assert np.mean([one.feasible for one in first]) > np.mean([one.feasible for one in at_random])


def test_a_constraint_of_a_users_own_code_is_predicted(model, smiles, tmp_path):
    (tmp_path / "mine.py").write_text(
        "def nitrogens(smiles):\n    return [float(text.upper().count('N')) for text in smiles]\n"
    )
    constraint = {"python": "mine:nitrogens", "name": "nitrogens", "max": 0}
    objective = hard(tmp_path, constraints=[constraint])
    settings = LatentSearchConfig(mutation_fraction=0.0, far_fraction=0.0, max_beta=0.01)
    strategy = LatentSearch(replace(context(model, [], []), objective=objective), settings)
    told = objective.evaluate_batch(smiles[:150])
    strategy.tell(told)
    asked = objective.evaluate_batch([text for text, _ in strategy.ask(20)])
    fraction = np.mean([one.feasible for one in told])
    assert 0.0 < fraction < 0.5
    assert np.mean([one.feasible for one in asked]) > fraction + 0.2
