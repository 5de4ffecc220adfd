from dataclasses import replace
from random import Random

import numpy as np
import pytest
from rdkit import Chem

from molvae.chem.descriptors import PROPERTIES
from molvae.optimize.known_parts import KnownGoals, KnownParts
from molvae.optimize.objective import Objective
from molvae.optimize.quantities import Molecule
from molvae.optimize.spec import ObjectiveSpec

MODULE = "def oracle(smiles):\n    return [min(1.0, len(text) / 20) for text in smiles]\n"
SMILES = ["CCO", "c1ccccc1C(=O)NC", "CCCCCCCCCC", "CC(=O)Nc1ccc(O)cc1"]


def mixed(mean, folder):
    (folder / "assay.py").write_text(MODULE)
    spec = ObjectiveSpec.model_validate(
        {
            "name": "mixed",
            "mean": mean,
            "terms": [
                {
                    "property": "logp",
                    "maximise": {"low": -2.0, "high": 6.0},
                    "weight": 2 if mean in ("arithmetic", "geometric") else 1,
                },
                {"python": "assay:oracle", "name": "assay"},
                {"property": "qed"},
            ],
            "constraints": [{"property": "mol_weight", "max": 150}, {"has": "[#6]O"}],
        }
    )
    return Objective(spec, folder)


@pytest.fixture(params=["arithmetic", "geometric", "minimum"])
def objective(request, tmp_path):
    return mixed(request.param, tmp_path)


def molecules():
    return [Molecule(smiles, Chem.MolFromSmiles(smiles)) for smiles in SMILES]


def test_what_is_known_and_the_remainder_compose_the_score(objective):
    parts = KnownParts(objective, terms=True)
    evaluations = [objective.evaluate(smiles) for smiles in SMILES]
    remainders = np.array([parts.remainder(evaluation) for evaluation in evaluations])
    composed = parts.compose(parts.known(molecules()), remainders)
    np.testing.assert_allclose(composed, [evaluation.score for evaluation in evaluations])
    assert parts.remainder_weight == (1 / 3 if objective.spec.mean == "minimum" else 0.25)


def test_without_terms_the_remainder_is_the_score(objective):
    parts = KnownParts(objective, terms=False)
    scores = np.array([0.0, 0.3, 0.5, 1.0])
    np.testing.assert_allclose(parts.compose(parts.known(molecules()), scores), scores)


def test_goals_that_are_known_and_goals_that_are_predicted_reach_as_far_as_all_together(tmp_path):
    objective = mixed("pareto", tmp_path)
    goals = KnownGoals(objective, terms=True)
    assert goals.predicted.tolist() == [False, True, False]
    assert goals.remainder_weight == 1 / 3
    remainders = np.array([goals.remainder(objective.evaluate(smiles)) for smiles in SMILES])
    known = goals.known(molecules())
    np.testing.assert_allclose(known[:, [0, 2]], remainders[:, [0, 2]])
    reaches = []
    for seed in range(3):
        goals.turn(Random(seed))
        reaches.append(goals.compose(known, remainders))
        np.testing.assert_allclose(reaches[-1], goals.reach(remainders))
    assert len({tuple(np.argsort(reach)) for reach in reaches}) > 1


def test_a_goal_without_a_value_is_0(tmp_path):
    objective = mixed("pareto", tmp_path)
    goals = KnownGoals(objective, terms=False)
    assert goals.predicted.all()
    assert goals.remainder(objective.without_score("CC", "failed")).tolist() == [0.0, 0.0, 0.0]
    assert goals.known([]).shape == (0, 3)


def test_molecules_that_violate_a_constraint_are_known(objective):
    parts = KnownParts(objective, terms=False)
    assert parts.feasible(molecules(), costly=False).tolist() == [True, False, False, False]
    assert parts.feasible(molecules(), costly=True).all()
    assert parts.feasible([], costly=False).tolist() == []


def test_an_objective_of_cheap_terms_alone_is_known_altogether():
    objective = Objective(ObjectiveSpec.model_validate({"name": "cheap", "terms": [{"property": "qed"}]}), None)
    parts = KnownParts(objective, terms=True)
    assert parts.remainder_weight == 0.0
    known = parts.known(molecules())
    np.testing.assert_allclose(parts.compose(known, np.zeros(4)), [objective.evaluate(text).score for text in SMILES])


@pytest.mark.parametrize("mean", ["arithmetic", "geometric", "minimum"])
def test_what_reaches_the_floor_is_exact_and_the_rest_stays_below_it(mean):
    terms = [{"property": "logp", "window": {"low": 0, "high": 1, "width": 1}}, {"property": "qed"}]
    parts = KnownParts(
        Objective(ObjectiveSpec.model_validate({"name": "x", "mean": mean, "terms": terms}), None), terms=True
    )
    exact = parts.known(molecules())
    for floor in (0.0, *(exact + 1e-9), *(exact - 1e-9), 1.1):
        known = parts.known(molecules(), floor)
        np.testing.assert_array_equal(known[exact >= floor], exact[exact >= floor])
        np.testing.assert_array_equal(known >= floor, exact >= floor)
        assert (known >= exact).all()


def test_costly_terms_are_not_computed_of_molecules_that_stay_below_the_floor(monkeypatch):
    terms = [{"property": "tpsa", "window": {"low": 15, "high": 25, "width": 1}}, {"property": "qed"}]
    objective = Objective(ObjectiveSpec.model_validate({"name": "x", "mean": "geometric", "terms": terms}), None)
    described = []
    qed = PROPERTIES["qed"]
    counted = replace(qed, function=lambda mol: described.append(mol) or qed.function(mol))
    monkeypatch.setitem(PROPERTIES._entries, "qed", counted)
    parts = KnownParts(objective, terms=True)
    parts.known(molecules(), 0.2)
    assert [mol.GetNumAtoms() for mol in described] == [3]


def test_violations_grow_with_the_distance_from_the_bounds(objective):
    parts = KnownParts(objective, terms=False)
    satisfied, light, heavy = parts.violations([*molecules()[:2], Molecule("C" * 30, Chem.MolFromSmiles("C" * 30))])
    assert satisfied == 0.0
    assert 0.0 < light < heavy
    # One constraint holds or does not, the other is missed by more than the bound itself.
    assert 1.5 < heavy < 2.0
    evaluations = objective.evaluate_batch(["CCO", "C" * 30])
    assert [parts.violation(evaluation) for evaluation in evaluations] == pytest.approx([0.0, heavy])


def test_constraints_of_a_users_own_code_are_paid_for(tmp_path):
    (tmp_path / "assay.py").write_text(MODULE)
    constraint = {"python": "assay:oracle", "name": "assay", "min": 0.5}
    content = {"name": "paid", "terms": [{"property": "qed"}], "constraints": [constraint]}
    mine = Objective(ObjectiveSpec.model_validate(content), tmp_path)
    parts = KnownParts(mine, terms=True)
    assert (parts.has_paid_constraints, parts.is_predicted, parts.remainder_weight) == (True, True, 0.0)
    assert [parts.satisfies_paid(one) for one in mine.evaluate_batch(["CCO", "C" * 12])] == [False, True]
