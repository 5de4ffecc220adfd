import json
from dataclasses import replace

import pytest

from molvae.report.candidate_set import candidate_set
from molvae.report.candidate_table import table_content


@pytest.fixture(scope="module")
def content(run):
    (result,) = run.optimizations
    return table_content(candidate_set(result), "demo", {"pIC50": "-log10 M"})


def test_the_table_is_plain_json_with_a_value_for_each_field(content, run):
    json.dumps(content, allow_nan=False)
    assert all(len(row) == len(content["fields"]) for row in content["rows"])
    assert len(content["rows"]) == len(content["sketches"]) == len(run.optimizations[0].candidates)


def test_columns_are_those_of_the_search_and_of_the_score_stage(content):
    shown = {column["title"] for column in content["columns"] if column["shown"]}
    assert {"Rank", "ID", "Score", "Targets met", "polar", "Alerts", "MOSES filters", "Cluster"} <= shown
    assert {"Rings seen in training", "Neighbour's pIC50"} <= shown
    hidden = {column["title"] for column in content["columns"] if not column["shown"]}
    assert {"Bertz complexity", "Origin", "Neighbour's ID"} <= hidden
    assert all(column["key"] in content["fields"] for column in content["columns"])


def test_a_term_that_is_a_property_is_one_column_with_its_desirability(content):
    (logp,) = [column for column in content["columns"] if column["key"] == "logp"]
    assert logp["desirability"] == "desirability.logp"
    assert logp["note"] == "1 to 3, soft edges of 0.5"
    assert "term.logp" not in content["fields"]
    assert "term.polar" in content["fields"]


def test_each_similarity_says_which_fingerprint_it_is(run):
    (result,) = run.optimizations
    objective = dict(result.search.summary["objective"])
    objective["terms"] = [{"similarity": {"to": "CCO"}, "name": "polar", "clip": {"upper": 100.0}}]
    changed = replace(result, search=replace(result.search, summary={"objective": objective}))
    notes = {column["title"]: column["note"] for column in table_content(candidate_set(changed), "d", {})["columns"]}
    assert notes["polar"].startswith("ECFP4 counts")
    assert notes["Similarity to training set"] == "ECFP4, 1,024 bits"


def test_values_have_six_digits_and_whole_numbers_none(content):
    values = [value for row in content["rows"] for value in row if isinstance(value, float)]
    assert all(len(f"{value:.6g}") >= len(f"{value}") - 1 or value == float(f"{value:.6g}") for value in values)
    assert all(isinstance(row[content["fields"].index("rank")], int) for row in content["rows"])


def test_no_candidate_gives_an_empty_table(run):
    (result,) = run.optimizations
    empty = replace(result, candidates=result.candidates.head(0), scored=None)
    assert table_content(candidate_set(empty), "demo", {})["rows"] == []
