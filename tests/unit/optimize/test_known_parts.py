import numpy as np
import pytest
from rdkit import Chem

from molvae.optimize.known_parts import KnownParts
from molvae.optimize.objective import Objective
from molvae.optimize.quantities import Molecule
from molvae.optimize.spec import ObjectiveSpec

MODULE = "def oracle(smiles):\n    return [min(1.0, len(text) / 20) for text in smiles]\n"
SMILES = ["CCO", "c1ccccc1C(=O)NC", "CCCCCCCCCC", "CC(=O)Nc1ccc(O)cc1"]


@pytest.fixture(params=["arithmetic", "geometric"])
def objective(request, tmp_path):
    (tmp_path / "assay.py").write_text(MODULE)
    spec = ObjectiveSpec.model_validate(
        {
            "name": "mixed",
            "mean": request.param,
            "terms": [
                {"property": "logp", "maximise": {"low": -2.0, "high": 6.0}, "weight": 2},
                {"python": "assay:oracle", "name": "assay"},
                {"property": "qed"},
            ],
            "constraints": [{"property": "mol_weight", "max": 150}, {"has": "[#6]O"}],
        }
    )
    return Objective(spec, tmp_path)


def molecules():
    return [Molecule(smiles, Chem.MolFromSmiles(smiles)) for smiles in SMILES]


def test_what_is_known_and_the_remainder_compose_the_score(objective):
    parts = KnownParts(objective, terms=True)
    evaluations = [objective.evaluate(smiles) for smiles in SMILES]
    remainders = np.array([parts.remainder(evaluation) for evaluation in evaluations])
    composed = parts.compose(parts.known(molecules()), remainders)
    np.testing.assert_allclose(composed, [evaluation.score for evaluation in evaluations])
    assert parts.remainder_weight == 0.25


def test_without_terms_the_remainder_is_the_score(objective):
    parts = KnownParts(objective, terms=False)
    scores = np.array([0.0, 0.3, 0.5, 1.0])
    np.testing.assert_allclose(parts.compose(parts.known(molecules()), scores), scores)


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
