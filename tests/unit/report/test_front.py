"""The chart of a search whose goals are kept apart."""

from dataclasses import replace

import pandas as pd
import pytest

from molvae.files import write_table
from molvae.report.front import MAX_ON_FRONT, front
from molvae.report.page import report
from molvae.report.run_data import load_optimization
from molvae.tables import TERM


def front_of(trace, terms):
    feasible = trace[trace["feasible"]]
    goals = feasible[[f"{TERM}{term}" for term in terms]].to_numpy()
    on_front = [not ((goals >= one).all(axis=1) & (goals > one).any(axis=1)).any() for one in goals]
    table = feasible.loc[on_front, ["smiles", "score", "call", "origin", "in_training", *[f"{TERM}{t}" for t in terms]]]
    return table.assign(knee=[n == 0 for n in range(len(table))]).reset_index(drop=True)


def apart(search, volume):
    course = {"hypervolume_course": [[1, volume / 3], [7, volume]], "hypervolume": volume}
    return replace(search, summary={**search.summary, **course, "reference_point": {"qed": 0.0, "logp": 0.1}})


@pytest.fixture
def result(run):
    first = run.optimizations[0]
    search = apart(first.search, 0.6)
    search = replace(search, summary={**search.summary, "training_hypervolume": 0.45})
    baseline = None if first.baseline is None else apart(first.baseline, 0.3)
    return replace(first, search=search, baseline=baseline, front=front_of(first.search.trace, ["qed", "logp"]))


def test_a_search_of_one_number_has_no_front(run):
    assert front(run.optimizations[0]) is None


def test_the_front_is_drawn_for_each_pair_of_terms_with_the_knee_and_the_course(result):
    figure = front(result)
    pair, course = figure.specifications()
    points = [list(pair["datasets"][layer["data"]["name"]]) for layer in pair["layer"]]
    dominated, line, on_front, knee = points
    assert len(line) == len(on_front) == len(result.front)
    assert len(dominated) == result.search.trace["feasible"].sum() - len(result.front)
    assert [point["SMILES"] for point in knee] == [result.front["smiles"][0]]
    assert "qed 0, logp 0.1" in figure.caption
    [steps] = [rows for rows in course["datasets"].values() if "curve" in rows[0]]
    ends = {row["curve"]: row["hypervolume"] for row in steps}
    assert ends == {"search": 0.6} | ({} if result.baseline is None else {"random sampling": 0.3})
    assert "training set" in str(course["datasets"])
    assert figure.svg().startswith("<svg")


def test_three_terms_have_three_pairs_without_a_line(result, run):
    three = front_of(run.optimizations[0].search.trace, ["qed", "logp", "polar"])
    figure = front(replace(result, front=three))
    assert len(figure.panels) == 4
    assert len(figure.specifications()[0]["layer"]) == 3


def test_the_page_shows_the_front(own_folder, result):
    from molvae.config import load_config
    from molvae.files import read_json, write_json

    folder = own_folder / "optimize" / result.objective
    write_table(folder / "front.csv", result.front)
    summary = read_json(folder / "summary.json") | dict(result.search.summary)
    summary["objective"] = {**summary["objective"], "mean": "pareto"}
    summary["objective"]["terms"] = [{**term, "weight": 1.0} for term in summary["objective"]["terms"]]
    write_json(folder / "summary.json", summary)
    assert isinstance(load_optimization(own_folder, result.objective).front, pd.DataFrame)
    page = report(own_folder, load_config(own_folder / "config" / "report.yaml"))
    text = page.read_text()
    assert f'id="figure-front_{result.objective}"' in text
    assert "geometric mean of the terms’ desirabilities, but the search keeps them apart" in text
    assert (own_folder / "report" / "figures" / f"front_{result.objective}.svg").exists()


def test_a_front_of_many_molecules_is_thinned_and_keeps_its_knee(result):
    n = 6000
    many = pd.DataFrame({name: result.front[name].iloc[0] for name in result.front}, index=range(n))
    knees = [row == 1234 for row in range(n)]
    many = many.assign(**{"term.qed": range(n), "term.logp": range(n, 0, -1), "knee": knees})
    figure = front(replace(result, front=many))
    pair = figure.specifications()[0]
    drawn, knee = (list(pair["datasets"][layer["data"]["name"]]) for layer in pair["layer"][2:])
    assert len(drawn) in (MAX_ON_FRONT, MAX_ON_FRONT + 1)
    assert {0, n - 1, 1234} <= {point["x"] for point in drawn}
    assert [point["x"] for point in knee] == [1234]
    assert "Of the front, 2,000 molecules are drawn" in figure.caption


def test_the_caption_says_how_many_pairs_are_drawn(result, run):
    names = ["a", "b", "c", "d", "e"]
    columns = {f"term.{name}": result.front["term.qed"] for name in names}
    many = result.front.drop(columns=["term.qed", "term.logp"]).assign(**columns)
    search = replace(result.search, trace=result.search.trace.assign(**dict.fromkeys(columns, 0.5)))
    figure = front(replace(result, front=many, search=search))
    assert len(figure.panels) == 7
    assert "the first 6 of 10 pairs of terms" in figure.caption
    assert "pairs of terms" not in front(result).caption
