"""Objectives: scores, feasibility, failures, and the built-in ones against GuacaMol's own values."""

import json
import math
import pickle
from pathlib import Path

import pytest

from molvae.chem.descriptors import compute_properties
from molvae.errors import DataError, ObjectiveError
from molvae.optimize.objective import Objective, builtin_names, builtin_objectives, load_objective
from molvae.optimize.quantities import Learned, PropertyValue
from molvae.optimize.spec import ObjectiveSpec

TESTS = Path(__file__).parents[2]
GOLDEN = json.loads((TESTS / "golden" / "objectives.json").read_text())
EXAMPLES = sorted((TESTS.parent / "workflow" / "config" / "objectives").glob("*.yaml"))


def objective(terms, constraints=(), mean="geometric", folder=Path()):
    content = {"name": "test", "mean": mean, "terms": terms, "constraints": list(constraints)}
    return Objective(ObjectiveSpec.model_validate(content), folder)


OXYGENS = {"atom_count": "O", "maximise": {"low": 0, "high": 2}}
RINGS = {"property": "rings", "maximise": {"low": 0, "high": 1}, "weight": 3}


def test_the_minimum_is_the_least_desirability():
    evaluation = objective([OXYGENS, {**RINGS, "weight": 1}], mean="minimum").evaluate("Oc1ccccc1")
    assert evaluation.desirabilities == {"n_O": 0.5, "rings": 1.0}
    assert evaluation.score == 0.5


def test_goals_that_are_kept_apart_have_their_geometric_mean_as_score():
    apart = objective([OXYGENS, {**RINGS, "weight": 1}], mean="pareto")
    assert apart.evaluate("Oc1ccccc1").score == 0.5**0.5
    assert apart.is_pareto
    assert apart.reference_point.tolist() == [0.0, 0.0]


def test_there_is_a_golden_column_for_every_builtin_objective():
    assert sorted(GOLDEN["scores"]) == builtin_names()
    assert len(builtin_names()) == 22


@pytest.mark.parametrize("name", builtin_names())
def test_builtin_objectives_score_as_guacamol_does(name):
    scores = [evaluation.score for evaluation in load_objective(name).evaluate_batch(GOLDEN["molecules"])]
    assert scores == pytest.approx(GOLDEN["scores"][name], abs=1e-9)


def test_builtin_names_are_those_in_the_files_and_each_is_described():
    for name, description in builtin_objectives().items():
        assert load_objective(name).name == name
        assert description.endswith(".")


def test_means_taken_from_sitagliptin_are_its_own_properties():
    own = compute_properties(["NC(CC(=O)N1CCn2c(nnc2C(F)(F)F)C1)Cc1cc(F)c(F)cc1F"]).iloc[0]
    for name in ("sitagliptin_mpo", "valsartan_smarts"):
        for term in load_objective(name).spec.terms:
            if isinstance(term.quantity, PropertyValue):
                assert term.desirability.mean == pytest.approx(own[term.quantity.property], abs=1e-6)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_example_objectives_leave_room_and_describe_themselves(file, smiles):
    example = load_objective(str(file))
    molecules = smiles[:100]
    evaluations = example.evaluate_batch(molecules)
    assert all(evaluation.status == "ok" for evaluation in evaluations)
    spec = example.spec
    # Of a series, molecules at random say nothing.
    if spec.lead is None and spec.core is None and not any(isinstance(term.quantity, Learned) for term in spec.terms):
        assert sum(evaluation.feasible for evaluation in evaluations) > len(molecules) / 2
        assert 0.2 < max(evaluation.score for evaluation in evaluations if evaluation.feasible) < 0.8
    assert example.spec.description


def test_weighted_means_by_hand():
    # Phenol: one oxygen of two wanted (0.5, weight 1), a ring (1.0, weight 3).
    assert objective([OXYGENS, RINGS]).evaluate("Oc1ccccc1").score == pytest.approx(0.5**0.25)
    assert objective([OXYGENS, RINGS], mean="arithmetic").evaluate("Oc1ccccc1").score == pytest.approx(3.5 / 4)


def test_a_desirability_of_0_is_fatal_to_the_geometric_mean_only():
    assert objective([OXYGENS, RINGS]).evaluate("OCCO").score == 0.0
    assert objective([OXYGENS, RINGS], mean="arithmetic").evaluate("OCCO").score == pytest.approx(0.25)


def test_raw_values_and_desirabilities_are_kept_apart():
    evaluation = objective([OXYGENS, RINGS]).evaluate("Oc1ccccc1")
    assert evaluation.values == {"n_O": 1, "rings": 1}
    assert evaluation.desirabilities == {"n_O": 0.5, "rings": 1.0}


def test_an_infeasible_molecule_keeps_its_score_and_names_what_it_violates():
    constraints = [
        {"property": "mol_weight", "max": 90},
        {"name": "no_acid", "lacks": "C(=O)[OH]"},
        {"name": "alcohol", "has": "[CX4][OH]"},
    ]
    evaluation = objective([OXYGENS], constraints).evaluate("OC(=O)CCCC")
    assert (evaluation.score, evaluation.feasible, evaluation.status) == (1.0, False, "ok")
    assert evaluation.violated == ("mol_weight", "no_acid", "alcohol")
    assert objective([OXYGENS], constraints).evaluate("OCCO").feasible


def test_only_feasible_molecules_are_scored_where_only_those_are_asked_for(tmp_path):
    script = (
        f"def score(smiles):\n    with open({str(tmp_path / 'seen')!r}, 'a') as file:\n"
        "        file.write(' '.join(smiles))\n    return [0.5]\n"
    )
    (tmp_path / "counts.py").write_text(script)
    constraints = [{"python": "counts:score", "max": 0.6}, {"property": "mol_weight", "max": 50}, {"has": "O"}]
    of = objective([{"property": "logp", "maximise": {"low": 0, "high": 5}}], constraints, folder=tmp_path)
    heavy, no_oxygen, feasible, nothing = of.evaluate_batch(["CCCCO", "CC", "CO", "C("], feasible_only=True)
    assert [heavy.status, no_oxygen.status, feasible.status, nothing.status] == [*["unscored"] * 2, "ok", "invalid"]
    assert (heavy.violated, no_oxygen.violated) == (("mol_weight",), (of.spec.constraints[2].title,))
    assert not heavy.feasible
    assert feasible == of.evaluate("CO")
    # The cheap constraints come before a user's own function.
    assert (tmp_path / "seen").read_text() == "CO" * 2


def test_bounds_themselves_are_allowed():
    assert objective([OXYGENS], [{"property": "rings", "min": 1, "max": 1}]).evaluate("C1CC1").feasible


def test_what_is_no_molecule_is_a_result_in_its_place():
    evaluations = objective([OXYGENS]).evaluate_batch(["OCCO", "not a molecule", "", "O"])
    assert [evaluation.status for evaluation in evaluations] == ["ok", "invalid", "invalid", "ok"]
    assert math.isnan(evaluations[1].score)
    assert not evaluations[1].feasible


def test_a_failed_term_or_constraint_fails_the_molecule_with_a_reason(tmp_path):
    (tmp_path / "fragile_term.py").write_text("def score(smiles):\n    return [1 / (len(s) - 3) for s in smiles]\n")
    fragile = {"name": "fragile", "python": "fragile_term:score"}
    for tested in (
        objective([OXYGENS, {**fragile, "clip": {"upper": 1}}], folder=tmp_path),
        objective([OXYGENS], [{**fragile, "max": 1}], folder=tmp_path),
    ):
        ok, failed = tested.evaluate_batch(["OCCO", "CCO"])
        assert ok.status == "ok"
        assert (failed.status, failed.feasible) == ("failed", False)
        assert math.isnan(failed.score)
        assert failed.error == "fragile: ZeroDivisionError: division by zero"
        assert failed.values["n_O"] == 1


def test_a_users_value_out_of_range_without_a_desirability_fails(tmp_path):
    (tmp_path / "wide_term.py").write_text("def score(smiles):\n    return [len(s) / 4 for s in smiles]\n")
    ok, failed = objective([{"python": "wide_term:score"}], folder=tmp_path).evaluate_batch(["CCC", "CCCCCC"])
    assert ok.score == 0.75
    assert failed.status == "failed"
    assert failed.error.startswith("wide_term.score: expected a value from 0 to 1, found 1.5")


def test_a_quantity_needed_twice_is_computed_once(tmp_path):
    (tmp_path / "counting_term.py").write_text(
        "calls = []\ndef score(smiles):\n    calls.append(list(smiles))\n    return [0.5 for _ in smiles]\n"
        "def n_calls(smiles):\n    return [len(calls) for _ in smiles]\n"
    )
    tested = objective(
        [{"python": "counting_term:score"}], [{"python": "counting_term:score", "min": 0.1}], folder=tmp_path
    )
    assert tested.evaluate("CC").feasible
    counted = objective([{"python": "counting_term:n_calls", "clip": {"upper": 1}}], folder=tmp_path).evaluate("C")
    assert counted.values["counting_term.n_calls"] == 1


def test_a_pickled_objective_scores_the_same():
    original = load_objective("osimertinib_mpo")
    copy = pickle.loads(pickle.dumps(original))
    assert copy.evaluate("CCOc1ccccc1") == original.evaluate("CCOc1ccccc1")


def test_the_spec_as_parsed_is_plain_json():
    content = json.loads(json.dumps(load_objective("deco_hop").as_dict()))
    assert content["mean"] == "arithmetic"
    assert ObjectiveSpec.model_validate(content) == load_objective("deco_hop").spec


def test_an_unknown_name_lists_the_known_ones_and_the_nearest():
    with pytest.raises(ObjectiveError, match=r"albuterol_similarity, .*did you mean osimertinib_mpo\?"):
        load_objective("osimertinib")
    with pytest.raises(DataError, match=r"missing\.yaml"):
        load_objective("missing.yaml")


@pytest.mark.parametrize(
    "wanted", [{"gaussian": {"mean": 0, "sd": 1e-5}}, {"window": {"low": 0, "high": 1, "width": 0.1}}]
)
def test_a_users_score_near_the_largest_float_is_a_score(tmp_path, wanted):
    (tmp_path / "huge_term.py").write_text("def score(smiles):\n    return [1e300 for _ in smiles]\n")
    evaluation = objective([{"python": "huge_term:score", **wanted}], folder=tmp_path).evaluate("CC")
    assert (evaluation.status, evaluation.score) == ("ok", 0.0)


def test_a_number_beyond_floats_fails_its_molecule(tmp_path):
    (tmp_path / "beyond_term.py").write_text("def score(smiles):\n    return [10**400 for _ in smiles]\n")
    evaluation = objective([{"python": "beyond_term:score", "clip": {"upper": 1}}], folder=tmp_path).evaluate("CC")
    assert (evaluation.status, evaluation.error) == (
        "failed",
        "beyond_term.score: OverflowError: int too large to convert to float",
    )


@pytest.mark.parametrize("weight", [1, 1000, 1e6])
def test_large_weights_leave_a_geometric_mean_what_it_is(weight):
    oxygens = {"atom_count": "O", "maximise": {"low": 0, "high": 20}, "weight": weight}
    assert objective([oxygens]).evaluate("OCCO").score == pytest.approx(0.1)
