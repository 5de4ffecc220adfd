import pytest

from molvae.optimize.objective import builtin_names, load_objective
from molvae.optimize.parts import Term
from molvae.report.objective_text import objective_text

SPECIFICATION = {
    "name": "lead",
    "description": "Like the lead, less greasy.",
    "mean": "geometric",
    "terms": [
        {"property": "qed", "weight": 2.0},
        {"similarity": {"to": "CCO", "fingerprint": "ECFP4"}, "weight": 1.0, "clip": {"upper": 0.6}},
        {"name": "polarity", "property": "tpsa", "weight": 1.0, "window": {"low": 40.0, "high": 80.0, "width": 10.0}},
    ],
    "constraints": [
        {"property": "mol_weight", "max": 400.0},
        {"name": "amide", "has": "C(=O)N"},
        {"alerts": ["PAINS", "BRENK"]},
    ],
}


def test_terms_say_what_is_computed_and_wanted():
    first, second, third = objective_text(SPECIFICATION).terms
    assert (first.title, first.desirability, first.weight) == ("qed", "as computed (0 to 1)", "2")
    assert second.quantity == "similarity to CCO, fingerprint ECFP4"
    assert second.desirability == "high: in proportion, 1 from 0.6"
    assert (third.title, third.quantity) == ("polarity", "TPSA, Å²")
    assert third.desirability == "40 to 80, soft edges of 10"


def test_constraints_read_as_phrases():
    assert objective_text(SPECIFICATION).constraints == (
        "Molecular weight at most 400",
        "amide (has C(=O)N)",
        "no PAINS or BRENK alert",
    )


def test_titles_are_those_of_the_trace():
    terms = [
        {"atom_count": "F", "clip": {"upper": 3}},
        {"python": "my.module:potency"},
        {"isomer": "C7H8N2O2"},
        {"command": "./dock.sh --fast", "timeout_s": 3.0, "maximise": {"low": 0, "high": 9}},
    ]
    rows = objective_text({"name": "x", "terms": terms}).terms
    assert [row.title for row in rows] == [Term.model_validate(term).title for term in terms]
    assert [(row.title, row.quantity) for row in rows] == [
        ("n_F", "number of F atoms"),
        ("my.module.potency", "Python function my.module:potency"),
        ("C7H8N2O2", "isomer of C7H8N2O2"),
        ("command", "command ./dock.sh --fast"),
    ]


def test_constraints_without_a_name_read_as_phrases():
    constraints = [{"lacks": "[N+]"}, {"atom_count": "F", "max": 3}, {"count": "c", "min": 1, "max": 2}]
    content = {"name": "x", "terms": [{"property": "qed"}], "constraints": constraints}
    assert objective_text(content).constraints == (
        "lacks [N+]",
        "number of F atoms at most 3",
        "matches of c at least 1 and at most 2",
    )


def test_it_is_read_as_it_was_recorded():
    for name in builtin_names():
        loaded = load_objective(name)
        assert tuple(row.title for row in objective_text(loaded.as_dict()).terms) == loaded.term_names


@pytest.mark.parametrize(
    "terms",
    [
        [{"property": "logp", "novel_kind": {"at": 3.0, "side": "left"}}],
        [{"property": "logp", "maximise": {"low": 1}}],
        [{"no_more_known": 1}],
        "nothing",
    ],
)
def test_of_an_objective_that_cannot_be_read_the_description_is_left(terms):
    text = objective_text({"name": "other", "description": "Greasy.", "mean": "geometric", "terms": terms})
    assert (text.description, text.mean, text.terms, text.constraints) == ("Greasy.", "geometric", (), ())


def test_an_objective_that_was_not_recorded_is_empty():
    text = objective_text({})
    assert text.terms == ()
    assert text.constraints == ()
