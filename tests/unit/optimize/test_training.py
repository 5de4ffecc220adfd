import numpy as np
import pytest

from molvae.optimize.front import desirability_matrix
from molvae.optimize.objective import Objective, load_objective
from molvae.optimize.oracle import Oracle
from molvae.optimize.pareto import front_ranks
from molvae.optimize.spec import ObjectiveSpec
from molvae.optimize.training import TOP, best_known, score_training

OBJECTIVE = """
name: costly_and_quick
mean: {mean}
terms:
  - property: logp
    window: {{low: 1, high: 2, width: 0.5}}
    weight: {weight}
  - property: qed
    maximise: {{low: 0.2, high: 0.8}}
  - property: sa_score
    minimise: {{low: 1, high: 4}}
constraints:
  - {{property: mol_weight, min: 80}}
  - {{alerts: [BRENK]}}
"""


@pytest.fixture
def load(tmp_path):
    def loaded(mean, weight=1):
        file = tmp_path / "objective.yaml"
        file.write_text(OBJECTIVE.format(mean=mean, weight=weight))
        return load_objective(str(file))

    return loaded


@pytest.fixture(params=[("geometric", 3), ("arithmetic", 3), ("minimum", 1)])
def objective(request, load):
    return load(*request.param)


def test_the_best_scores_are_those_of_scoring_every_molecule(objective, smiles, monkeypatch):
    n_scored = 0
    evaluate_batch = Objective.evaluate_batch

    def counting(self, molecules, **options):
        nonlocal n_scored
        n_scored += len(molecules) if self is objective else 0
        return evaluate_batch(self, molecules, **options)

    evaluations = objective.evaluate_batch(smiles)
    every = np.sort([one.score for one in evaluations if one.feasible])
    monkeypatch.setattr(Objective, "evaluate_batch", counting)
    monkeypatch.setattr("molvae.optimize.training._STEP", 20)
    summary = score_training(smiles, objective, 1).summary()
    assert max(TOP) <= n_scored < len(smiles)
    for n in TOP:
        assert summary[f"training_top{n}_mean"] == pytest.approx(every[-n:].mean())
    assert summary["training_best_scores"] == pytest.approx(every[:-11:-1])


@pytest.mark.parametrize("n_feasible", [3, 0])
def test_infeasible_training_molecules_are_in_no_mean(objective, smiles, n_feasible):
    evaluations = objective.evaluate_batch(smiles)
    feasible = [one for one in evaluations if one.feasible][:n_feasible]
    infeasible = [one for one in evaluations if not one.feasible][:7]
    molecules = [one.smiles for one in (*infeasible, *feasible)]
    summary = score_training(molecules, objective, 1).summary()
    scores = sorted((one.score for one in feasible), reverse=True)
    assert len(infeasible) == 7
    assert (summary["n_training"], summary["training_n_scored"]) == (len(molecules), n_feasible)
    assert summary["training_best_scores"] == pytest.approx(scores)
    assert summary.get("training_top10_mean") == (pytest.approx(np.mean(scores)) if scores else None)


def test_the_best_known_are_the_best_of_all(objective, smiles, monkeypatch):
    monkeypatch.setattr("molvae.optimize.training._STEP", 20)
    ranked = sorted(objective.evaluate_batch(smiles), key=lambda one: -one.score if one.feasible else 0.0)
    best = best_known(score_training(smiles, objective, 1, 50), 50, objective, np.random.default_rng(1), 1)
    assert [one.score for one in best] == [one.score for one in ranked[:50]]


def test_of_several_goals_the_best_known_are_those_on_the_first_fronts(load, smiles):
    objective = load("pareto")
    scores = score_training(smiles, objective, 1)
    best = best_known(scores, 30, objective, np.random.default_rng(1), 1)
    values = desirability_matrix(best, objective)
    ranks = front_ranks(desirability_matrix(scores.scored, objective))
    assert sorted(front_ranks(values)) == sorted(ranks)[:30]
    assert {one.smiles for one, rank in zip(scores.scored, ranks, strict=True) if rank == 1} <= {
        one.smiles for one in best
    }


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Molecules of which something was measured, from an empty cache on."""
    monkeypatch.setenv("MOLVAE_CACHE", str(tmp_path / "cache"))
    measured = []
    evaluate_batch = Objective.evaluate_batch

    def counting(self, molecules, **options):
        measured.extend(molecules)
        return evaluate_batch(self, molecules, **options)

    monkeypatch.setattr(Objective, "evaluate_batch", counting)
    return measured


def changed(objective, **changes):
    """Return the objective with the first term or constraint changed."""
    spec = objective.spec
    parts = {
        key: (getattr(spec, key)[0].model_copy(update=change), *getattr(spec, key)[1:])
        for key, change in changes.items()
    }
    return Objective(spec.model_copy(update=parts), objective.folder)


def test_an_objective_of_other_weights_measures_nothing_again(objective, smiles, measured):
    quick = objective.without_costly_parts()
    score_training(smiles, quick, 1)
    assert len(measured) == len(smiles)
    other = changed(quick, terms={"weight": 7.0})
    scores = score_training(smiles, other, 1)
    assert len(measured) == len(smiles)
    feasible = [one for one in other.evaluate_batch(smiles, feasible_only=True) if one.feasible]
    assert {one.smiles: one for one in scores.scored} == {one.smiles: one for one in feasible}


def test_another_bound_or_another_molecule_is_measured(objective, smiles, measured):
    quick = objective.without_costly_parts()
    score_training(smiles, quick, 1)
    tighter = changed(quick, constraints={"max": 300.0})
    assert score_training(smiles, tighter, 1).scored == tuple(
        sorted((one for one in tighter.evaluate_batch(smiles) if one.feasible), key=lambda one: -one.score)
    )
    n = len(measured)
    score_training(smiles[1:], quick, 1)
    assert len(measured) == n + len(smiles) - 1


def test_where_hardly_any_is_feasible_the_nearest_are_taken(tmp_path, smiles):
    file = tmp_path / "hard.yaml"
    limits = "{property: mol_weight, max: 260}\n  - {property: rings, max: 1}\n"
    file.write_text(f"name: hard\nterms: [{{property: qed}}]\nconstraints:\n  - {limits}")
    hard = load_objective(str(file))
    scores = score_training(smiles, hard, 1, 40)
    assert 0 < len(scores.scored) < 40
    best = best_known(scores, 40, hard, np.random.default_rng(1), 1)
    n_violated = [len(one.violated) for one in best]
    assert len({one.smiles for one in best}) == 40
    assert n_violated == sorted(n_violated)
    assert n_violated.count(0) == len(scores.scored)


def test_molecules_that_fail_are_no_zeros(tmp_path, smiles, caplog):
    (tmp_path / "out.sh").write_text("echo no licence >&2; exit 7\n")
    (tmp_path / "out.yaml").write_text("name: runs_out\nterms: [{command: sh out.sh}]\n")
    with caplog.at_level("WARNING", logger="molvae"):
        summary = score_training(smiles, load_objective(str(tmp_path / "out.yaml")), 1).summary()
    assert summary == {"n_training": len(smiles), "training_n_scored": 0, "training_best_scores": []}
    assert "runs_out, training set: 300 of 300 molecules failed" in caplog.text
    assert "no licence" in caplog.text


def test_a_term_and_a_constraint_of_one_name_keep_their_values_apart(tmp_path, smiles):
    (tmp_path / "twice.yaml").write_text(
        "name: twice\nterms: [{has: 'c1ccccc1', name: ring}]\nconstraints: [{has: 'O', name: ring}]\n"
    )
    objective = load_objective(str(tmp_path / "twice.yaml"))
    expected = objective.evaluate_batch(smiles)
    scores = score_training(smiles, objective, 1)
    assert {one.smiles: one.score for one in scores.scored} == {
        one.smiles: one.score for one in expected if one.feasible
    }


def test_scores_that_were_paid_for_are_not_paid_for_again(tmp_path, smiles):
    """Neither after a kill, nor where a search starts from a training molecule."""
    (tmp_path / "count.sh").write_text("while read smiles; do echo $smiles >> calls; echo 0.5; done\n")
    own = Objective(ObjectiveSpec.model_validate({"name": "x", "terms": [{"command": "sh count.sh"}]}), tmp_path)
    cache = tmp_path / "scores.sqlite"
    first = score_training(smiles[:20], own, 1, cache=cache)
    again = score_training(smiles[:30], own, 1, cache=cache)
    assert [one.smiles for one in first.scored] == smiles[:20]
    assert [one.smiles for one in again.scored] == smiles[:30]
    Oracle(own, 5, cache=cache).score([(text, "start") for text in smiles[:5]], 0)
    assert (tmp_path / "calls").read_text().split() == smiles[:30]
