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
    first, second, third = objective_text(SPECIFICATION).wishes
    assert (first.title, first.desirability, first.weight) == ("qed", "as it is, from 0 to 1", "2")
    assert second.quantity == "similarity to CCO, fingerprint ECFP4"
    assert second.desirability == "high: in proportion, 1 from 0.6"
    assert (third.title, third.quantity) == ("polarity", "TPSA, Å²")
    assert third.desirability == "40 to 80, flanks of 10"


def test_constraints_read_as_phrases():
    assert objective_text(SPECIFICATION).constraints == (
        "mol_weight at most 400",
        "amide (has C(=O)N)",
        "no PAINS or BRENK alert",
    )


def test_a_desirability_without_words_is_written_as_its_numbers():
    terms = [
        {"property": "logp", "novel_kind": {"at": 3.0, "side": "left"}},
        {"property": "logp", "maximise": {"low": 1}},
    ]
    wanted = [wish.desirability for wish in objective_text({"terms": terms}).wishes]
    assert wanted == ["novel kind: at 3, side left", "maximise: low 1"]


def test_an_objective_that_was_not_recorded_is_empty():
    goal = objective_text({})
    assert goal.wishes == ()
    assert goal.constraints == ()
