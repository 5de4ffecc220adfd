"""Objective files: what they may say, and how they are refused."""

import pytest
import yaml

from molvae.errors import DataError, ObjectiveError
from molvae.optimize.parts import Term
from molvae.optimize.quantities import PropertyValue
from molvae.optimize.spec import ObjectiveSpec, read_spec

LOGP = {"property": "logp", "window": {"low": 1, "high": 3, "width": 0.5}}


@pytest.fixture
def refusal(tmp_path):
    def refused(content):
        file = tmp_path / "objective.yaml"
        file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        with pytest.raises(ObjectiveError) as caught:
            read_spec(file)
        message = str(caught.value)
        assert str(file) in message
        return message

    return refused


@pytest.fixture
def refused_term(refusal):
    return lambda term: refusal({"name": "x", "terms": [LOGP, term]})


@pytest.fixture
def refused_constraint(refusal):
    return lambda constraint: refusal({"name": "x", "terms": [LOGP], "constraints": [constraint]})


def test_a_minimal_file_has_the_documented_defaults(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text("name: x\nterms:\n  - property: qed\n")
    spec = read_spec(file)
    assert (spec.mean, spec.constraints, spec.terms[0].weight, spec.terms[0].title) == ("geometric", (), 1.0, "qed")


def test_the_same_quantity_is_equal_in_a_term_and_a_constraint():
    spec = ObjectiveSpec.model_validate(
        {
            "name": "x",
            "terms": [{"name": "near", "similarity": {"to": "CCO"}, "clip": {"upper": 0.5}}],
            "constraints": [{"name": "not_it", "similarity": {"to": "CCO"}, "max": 0.9}],
        }
    )
    assert spec.terms[0].quantity == spec.constraints[0].quantity
    assert hash(spec.terms[0].quantity) == hash(spec.constraints[0].quantity)


@pytest.mark.parametrize(
    ("term", "title"),
    [
        ({"similarity": {"to": "C"}}, "similarity"),
        ({"has": "CO"}, "has"),
        ({"atom_count": "F", "gaussian": {"mean": 1, "sd": 1}}, "n_F"),
        ({"isomer": "C7H8N2O2"}, "C7H8N2O2"),
        ({"python": "my.module:potency"}, "my.module.potency"),
        ({"name": "mine", "property": "qed"}, "mine"),
    ],
)
def test_a_term_without_a_name_gets_one(term, title):
    assert Term.model_validate(term).title == title


def test_unknown_property_names_the_nearest(refused_term):
    assert "terms[1].property: expected a known property" in refused_term({"property": "logP", "clip": {"upper": 1}})
    assert "did you mean logp?" in refused_term({"property": "log_p", "clip": {"upper": 1}})


def test_unknown_key_names_the_nearest(refused_term):
    message = refused_term({"property": "qed", "maximize": {"low": 0, "high": 1}})
    assert message.startswith("terms[1].maximize: ")
    assert message.partition(" (")[0].endswith("did you mean maximise?")


def test_bad_molecules_and_patterns_are_shown(refused_term):
    assert "expected a SMILES, found 'c1cc'" in refused_term({"similarity": {"to": "c1cc"}})
    assert "expected a SMARTS pattern, found '[#'" in refused_term({"has": "[#"})
    assert "expected a SMARTS pattern, found ''" in refused_term({"lacks": ""})
    assert "expected a SMARTS pattern and nothing after it, found 'c1ccccc1 N'" in refused_term({"has": "c1ccccc1 N"})
    assert "expected a SMILES and nothing after it, found 'CCO CCN'" in refused_term({"similarity": {"to": "CCO CCN"}})
    assert "symbol of an element, found 'Q'" in refused_term({"atom_count": "Q", "clip": {"upper": 1}})
    assert "formula such as" in refused_term({"isomer": "H2 O"})
    assert "ECFP4" in refused_term({"similarity": {"to": "C", "fingerprint": "MACCS"}})


def test_a_term_has_one_quantity_and_at_most_one_desirability(refused_term):
    assert "exactly one quantity" in refused_term({"weight": 2})
    assert "found property and has" in refused_term({"property": "qed", "has": "C"})
    two = {"property": "qed", "clip": {"upper": 1}, "maximise": {"low": 0, "high": 1}}
    assert "expected one desirability, found maximise and clip" in refused_term(two)


def test_a_quantity_off_the_unit_interval_needs_a_desirability(refused_term):
    assert "since tpsa is not between 0 and 1" in refused_term({"property": "tpsa"})
    assert "expected a desirability" in refused_term({"count": "c"})


def test_names_are_distinct_and_not_those_of_the_columns(refused_term):
    assert "found logp twice; give each a name" in refused_term(LOGP)
    assert "expected another name" in refused_term({"name": "score", "property": "qed"})


def test_constraints_need_bounds_where_they_have_a_range(refused_constraint):
    assert "expected min, max or both for tpsa" in refused_constraint({"property": "tpsa"})
    assert "expected no min or max with alerts" in refused_constraint({"alerts": ["PAINS"], "max": 2})
    assert "expected min up to max" in refused_constraint({"property": "tpsa", "min": 9, "max": 3})
    assert "constraints[0].alerts[0]: expected 'PAINS'" in refused_constraint({"alerts": ["PAIN"]})


def test_what_is_no_objective_is_refused(refusal):
    assert "terms: expected a value, found none" in refusal({"name": "x"})
    assert "terms: expected at least one, found none" in refusal({"name": "x", "terms": []})
    assert "name: " in refusal({"name": "../x", "terms": [LOGP]})
    assert "found list" in refusal("- a\n- b\n")
    assert "single quotes, found" in refusal("name: [x\n")
    assert "a python or command only" in refusal({"name": "x", "terms": [{"property": "qed", "timeout_s": 3}]})


TWO = [LOGP, {"property": "qed"}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"mean": "pareto", "terms": [LOGP]}, "expected two terms or more with mean: pareto, found logp alone"),
        (
            {"mean": "pareto", "terms": [LOGP, {"property": "qed", "weight": 2}]},
            "expected no weights with mean: pareto, found one for qed",
        ),
        (
            {"mean": "minimum", "terms": [{**LOGP, "weight": 3}]},
            "expected no weights with mean: minimum, found one for logp",
        ),
        (
            {"mean": "pareto", "terms": TWO, "reference_point": [0.1]},
            "expected a reference_point of one desirability for each of the 2 terms, found 1",
        ),
        ({"mean": "pareto", "terms": TWO, "reference_point": [0.1, 1]}, "reference_point[1]: expected "),
        ({"mean": "pareto", "terms": TWO, "reference_point": 0.1}, "reference_point: expected a list, found 0.1"),
        (
            {"terms": TWO, "reference_point": [0.1, 0.2]},
            "expected a reference_point with mean: pareto only, found one with mean: geometric",
        ),
        ({"mean": "paretto", "terms": TWO}, "mean: expected 'geometric', 'arithmetic', 'minimum' or 'pareto'"),
    ],
)
def test_goals_that_cannot_be_kept_apart_are_refused(refusal, content, said):
    message = refusal({"name": "x", **content})
    assert said in message
    assert "\n" not in message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.yaml"):
        read_spec(tmp_path / "none.yaml")


def test_a_part_holds_its_quantity():
    assert Term.model_validate(LOGP).quantity == PropertyValue(property="logp")


@pytest.mark.parametrize("text", ["CC(=O)Nc1ccccc1 CCO", "CCO\tethanol", "CCO |$;;R$|"])
def test_text_after_a_blank_in_a_molecule_is_refused(refused_term, text):
    assert "terms[1].similarity.to: expected a SMILES and nothing after it" in refused_term(
        {"similarity": {"to": text}}
    )


@pytest.mark.parametrize("key", ["has", "lacks", "count"])
def test_text_after_a_blank_in_a_pattern_is_refused(refused_term, key):
    assert f"terms[1].{key}: expected a SMARTS pattern and nothing" in refused_term({key: "[#6] [#7]"})


@pytest.mark.parametrize("weight", [0, -1, float("inf"), float("nan"), 1e-300])
def test_a_weight_that_leaves_nothing_to_compare_is_refused(refused_term, weight):
    assert "terms[1].weight: expected " in refused_term({"property": "qed", "weight": weight})


def test_a_wrong_key_within_a_desirability_or_quantity_has_its_path_and_the_nearest(refused_term):
    message = refused_term({"property": "qed", "maximise": {"lo": 0, "high": 1}})
    assert "terms[1].maximise.low: expected a value, found none" in message
    assert "terms[1].maximise.lo: expected a known setting, found an unknown one; did you mean low?" in message
    message = refused_term({"similarity": {"to": "C", "fingerprints": "AP"}})
    assert "terms[1].similarity.fingerprints: " in message
    assert "did you mean fingerprint?" in message
    assert "terms[1].gaussian: expected " in refused_term({"property": "qed", "gaussian": 3})


def test_a_spec_is_no_way_to_name_the_classes_behind_it(refused_term):
    assert "terms[1].quantity: expected a known setting" in refused_term({"quantity": {}})
    assert "terms[1].desirability: expected a known setting" in refused_term({"property": "qed", "desirability": {}})
    assert "terms[1]: expected " in refused_term("qed")


def test_what_only_constrains_is_told_from_what_is_unknown(tmp_path):
    (tmp_path / "own.yaml").write_text("name: own\nterms: [{alerts: [PAINS]}]\n")
    with pytest.raises(ObjectiveError, match=r"terms\[0\]\.alerts: expected in constraints only, found in a term"):
        read_spec(tmp_path / "own.yaml")


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("{python: scorers.py}", "python: expected module:function, found 'scorers.py'"),
        ("{similarity: CCO}", "similarity: expected settings by name (to, "),
        ("{property: qed, weight: heavy}", "weight: expected a number, found 'heavy'"),
    ],
)
def test_wrong_values_are_explained_in_words_of_the_file(tmp_path, term, said):
    (tmp_path / "own.yaml").write_text(f"name: own\nterms: [{term}]\n")
    with pytest.raises(ObjectiveError) as refusal:
        read_spec(tmp_path / "own.yaml")
    assert said in str(refusal.value)


def test_a_pattern_of_many_unconnected_parts_is_refused():
    with pytest.raises(ValueError, match="at most 4 parts without a bond between them, found 12"):
        ObjectiveSpec.model_validate({"name": "x", "terms": [{"count": ".".join("*" * 12), "maximise": {}}]})


def test_a_name_that_is_too_long_for_a_folder_is_refused():
    with pytest.raises(ValueError, match="at most 100 characters"):
        ObjectiveSpec.model_validate({"name": "x" * 300, "terms": [{"property": "qed"}]})


@pytest.mark.parametrize("name", ["core", "similarity_to_lead"])
def test_a_name_of_the_cores_or_the_leads_own_constraint_is_refused(refusal, name):
    content = {
        "name": "x",
        "terms": [{"property": "qed"}],
        "constraints": [{"property": "logp", "max": 3, "name": name}],
    }
    assert f"expected another name than {name}" in refusal(content)
