"""What the page says of the candidates in the measured value itself."""

import json

import pandas as pd
import pytest

from molvae.files import read_json, write_json
from molvae.report.answer import answer
from molvae.report.candidate_set import candidate_set
from molvae.report.candidate_table import table_content
from molvae.report.decision import decision_sections
from molvae.report.predictions import predicted_gains
from molvae.report.run_data import load_optimization, load_run

MEASURED = [5.0, 6.0, 7.0]


@pytest.fixture
def with_learned(own_folder, run):
    """Return a function that makes the folder one of a run with a learned term, and reads its search.

    The candidates are predicted to have 7.5, 7.25, 7, ..., with intervals of 0.4 to both sides.
    """

    def build(desirability, value="mean", *, has_mean=True):
        folder = own_folder / "optimize" / "demo"
        candidates = pd.read_csv(folder / "candidates.csv")
        predicted = pd.Series([7.5 - 0.25 * n for n in range(len(candidates))])
        by_name = {"mean": predicted, "high": predicted + 0.4, "low": predicted - 0.4}
        candidates["term.pIC50"] = by_name[value]
        if has_mean:
            candidates["predicted.pIC50"] = predicted
        candidates["low.pIC50"], candidates["high.pIC50"] = predicted - 0.4, predicted + 0.4
        candidates["nearest_value.pIC50"] = 6.5
        candidates.to_csv(folder / "candidates.csv", index=False)
        nearest = candidates["nearest_train_smiles"][0]
        held_out = {"smiles": ["C", "CC", nearest], "measured": MEASURED, "predicted": MEASURED}
        evidence = {"column": "pIC50 (nM)", "coverage": 0.8, "held_out": held_out}
        (folder / "learned_pIC50.json").write_text(json.dumps(evidence))
        summary = read_json(folder / "summary.json", ["objective"])
        term = {"learned": {"table": "m.csv", "column": "pIC50", "value": value}, **desirability}
        terms = [own for own in summary["objective"]["terms"] if "learned" not in own]
        summary["objective"]["terms"] = [*terms, term]
        write_json(folder / "summary.json", summary)
        trace = pd.read_parquet(folder / "trace.parquet")
        trace.assign(**{"term.pIC50": 6.0}).to_parquet(folder / "trace.parquet")
        return load_optimization(own_folder, "demo")

    return build


UP, DOWN = {"maximise": {"low": 5, "high": 8}}, {"minimise": {"low": 3, "high": 6}}


def test_it_says_how_many_are_predicted_to_be_better_than_what_was_measured(own_folder, with_learned):
    result = with_learned(UP)
    best = candidate_set(result).table["id"][0]
    assert predicted_gains(own_folder, result) == [
        "2 of 20 candidates are predicted to have a value of pIC50 (nM) above the best measured one, 7.00, 1 of them "
        f"with the whole 80\u00a0% interval. The highest prediction is 7.50 (7.10 to 7.90), that of {best}."
    ]


@pytest.mark.parametrize(("value", "end"), [("high", "upper"), ("low", "lower")])
def test_the_end_of_an_interval_that_is_searched_by_is_no_prediction(own_folder, with_learned, run, value, end):
    with_mean = predicted_gains(own_folder, with_learned(UP))
    assert predicted_gains(own_folder, with_learned(UP, value)) == with_mean
    (section,) = decision_sections(load_run(own_folder, run.settings))
    ranked = {suggestion.rank: suggestion for suggestion in section.content["suggestions"]}
    fact = next(fact for fact in ranked["1"].facts if fact.title == "pIC50")
    said = f"predicted, 80\u00a0% interval 7.10 to 7.90, scored by its {end} end; high"
    assert (fact.value, fact.wanted[: len(said)], fact.change) == ("7.50", said, "")


def test_without_the_prediction_the_end_is_called_what_it_is(own_folder, with_learned, run):
    assert predicted_gains(own_folder, with_learned(UP, "high", has_mean=False)) == []
    (section,) = decision_sections(load_run(own_folder, run.settings))
    ranked = {suggestion.rank: suggestion for suggestion in section.content["suggestions"]}
    fact = next(fact for fact in ranked["1"].facts if fact.title == "pIC50")
    said = "upper end of the predicted 80\u00a0% interval 7.10 to 7.90; high"
    assert (fact.value, fact.wanted[: len(said)]) == ("7.90", said)


def test_the_prediction_of_earlier_runs_is_the_term_itself(own_folder, with_learned):
    expected = predicted_gains(own_folder, with_learned(UP))
    assert predicted_gains(own_folder, with_learned(UP, has_mean=False)) == expected


def test_lower_values_may_be_better(own_folder, with_learned):
    result = with_learned(DOWN)
    last = candidate_set(result).table["id"][19]
    [text] = predicted_gains(own_folder, result)
    assert text.startswith(
        "9 of 20 candidates are predicted to have a value of pIC50 (nM) below the best measured one, 5.00,"
    )
    assert text.endswith(f"The lowest prediction is 2.75 (2.35 to 3.15), that of {last}.")


def test_without_a_better_one_it_says_none(own_folder, with_learned):
    with_learned(UP)
    file = own_folder / "optimize" / "demo" / "learned_pIC50.json"
    evidence = json.loads(file.read_text())
    evidence["held_out"]["measured"] = [5.0, 6.0, 9.0]
    file.write_text(json.dumps(evidence))
    [text] = predicted_gains(own_folder, load_optimization(own_folder, "demo"))
    assert text.startswith(
        "None of 20 candidates is predicted to have a value of pIC50 (nM) above the best measured one"
    )
    assert "whole" not in text


@pytest.mark.parametrize(
    ("best", "said"),
    [
        (
            7.2,
            "The only candidate is predicted to have a value of pIC50 (nM) above the best measured one, 7.20, but not",
        ),
        (9.0, "The only candidate is not predicted to have"),
    ],
)
def test_the_only_candidate_is_called_that(own_folder, with_learned, best, said):
    with_learned(UP)
    folder = own_folder / "optimize" / "demo"
    pd.read_csv(folder / "candidates.csv").head(1).to_csv(folder / "candidates.csv", index=False)
    evidence = json.loads((folder / "learned_pIC50.json").read_text())
    evidence["held_out"]["measured"] = [5.0, 6.0, best]
    (folder / "learned_pIC50.json").write_text(json.dumps(evidence))
    [text] = predicted_gains(own_folder, load_optimization(own_folder, "demo"))
    assert text.startswith(said)


def test_a_column_is_named_on_one_line(own_folder, with_learned):
    result = with_learned(UP)
    file = own_folder / "optimize" / "demo" / "learned_pIC50.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "column": "pIC50\n\x1b[2J"}))
    assert "value of pIC50\\n\\x1b[2J above" in predicted_gains(own_folder, result)[0]


def test_nothing_is_said_where_neither_high_nor_low_is_better(own_folder, with_learned, run):
    assert predicted_gains(own_folder, with_learned({"window": {"low": 5, "high": 6, "width": 1}})) == []
    assert predicted_gains(own_folder, run.optimizations[0]) == []


def test_the_answer_and_the_cards_have_predictions_intervals_and_measured_values(own_folder, with_learned, run):
    result = with_learned(UP)
    text = answer(own_folder, ["demo"], {str(path) for path in own_folder.rglob("*")})
    assert "2 of 20 candidates are predicted" in " ".join(text.split())
    (section,) = decision_sections(load_run(own_folder, run.settings))
    assert section.content["gains"] == predicted_gains(own_folder, result)
    ranked = {suggestion.rank: suggestion for suggestion in section.content["suggestions"]}
    fact = next(fact for fact in ranked["1"].facts if fact.title == "pIC50")
    assert fact.wanted.startswith("predicted, 80\u00a0% interval 7.10 to 7.90; high")
    assert not any("predicted" in fact.wanted for fact in ranked["1"].facts if fact.title != "pIC50")


def test_the_measured_value_of_the_lead_stands_beside_the_predicted_one(own_folder, with_learned, run):
    with_learned(UP)
    folder = own_folder / "optimize" / "demo"
    summary = read_json(folder / "summary.json", ["objective"])
    salt = ("CC.Cl", "predicted; measured 6.00; high")
    for smiles, said in (("CC", "predicted; measured 6.00; high"), salt, ("CCC", "predicted; high")):
        summary["objective"]["lead"] = {"smiles": smiles, "similarity": 0.4}
        write_json(folder / "summary.json", summary)
        (section,) = decision_sections(load_run(own_folder, run.settings))
        facts = {fact.title: fact.wanted for fact in section.content["reference"]["facts"]}
        assert facts["pIC50"].startswith(said)
        assert "predicted" not in facts["QED"]


def test_the_table_has_the_prediction_where_an_end_is_searched_by(with_learned):
    columns = table_content(candidate_set(with_learned(UP, "high")), "demo", {})["columns"]
    assert {column["title"]: column["shown"] for column in columns}["pIC50, predicted"]


def test_the_table_has_the_interval(with_learned):
    columns = table_content(candidate_set(with_learned(UP)), "demo", {})["columns"]
    titles = {column["title"]: column["shown"] for column in columns}
    assert not titles["pIC50, predicted"]
    assert (titles["pIC50, low"], titles["pIC50, high"], titles["pIC50, nearest measured"]) == (True, True, False)
