import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from molvae.chem.descriptors import compute_properties
from molvae.report import figures


def values_of(specification: dict) -> list[dict]:
    (values,) = specification["datasets"].values()
    return values


def test_every_panel_has_the_width_of_its_place_and_is_plain_json(run):
    for figure in [figures.training(run.history), *(figures.optimization(result) for result in run.optimizations)]:
        for specification in figure.specifications():
            assert specification["width"] == figures.WIDTHS[min(len(figure.panels), 3)]
            json.dumps(specification, allow_nan=False)


def test_a_figure_is_the_same_when_it_is_drawn_again(run):
    first = figures.training(run.history).drawings()
    assert figures.training(run.history).drawings() == first


def test_the_kept_epoch_is_marked_and_named(run):
    figure = figures.training(run.history)
    rules = [layer for layer in figure.specifications()[0]["layer"] if layer["mark"]["type"] == "rule"]
    assert len(rules) == 1
    assert figure.finding.startswith("Epoch 12 of 12 was kept.")


def test_the_properties_whose_medians_differ_most_are_named():
    references = compute_properties(["CCO", "CCCO", "CCCCO", "CCN", "CCCN"])
    heavier = references.assign(mol_weight=references["mol_weight"] + 500)
    finding = figures.properties({"test molecules": references, "valid samples": heavier}).finding
    assert "differ most in Molecular weight, Da (559.1 against 59.1)" in finding


def test_fractions_of_a_distribution_add_up_to_one_but_for_the_tails():
    table = compute_properties(["CCO", "CCCCO", "c1ccccc1", "CCN", "CC(=O)Nc1ccccc1"])
    figure = figures.properties({"training molecules": table, "valid samples": table})
    assert len(figure.panels) == len(figures.CHARTED)
    for specification in figure.specifications():
        rows = pd.DataFrame(values_of(specification))
        totals = rows.groupby("set")["fraction"].sum()
        assert ((totals > 0.55) & (totals < 1.001)).all()


def test_the_set_of_interest_has_the_accent():
    table = compute_properties(["CCO", "CCN"])
    figure = figures.properties({"training molecules": table, "valid samples": table})
    assert figure.legend == (("valid samples", figures.ACCENT), ("training molecules", figures.REFERENCE))


def test_sets_without_any_value_still_give_a_figure():
    nothing = compute_properties([])
    assert figures.properties({"training molecules": nothing, "valid samples": nothing}).specifications()


def test_curves_end_at_the_last_call(run):
    (result,) = run.optimizations
    (specification,) = figures.optimization(result).specifications()
    rows = [row for values in specification["datasets"].values() for row in values if "curve" in row]
    assert {row["curve"] for row in rows} == {"ten best", "best", "random sampling: ten best"}
    assert max(row["call"] for row in rows) == len(result.search.trace)


def test_a_search_without_baseline_start_or_training_scores_is_drawn(run):
    (result,) = run.optimizations
    search = replace(result.search, summary={}, trace=result.search.trace.assign(origin="prior"))
    specifications = figures.optimization(replace(result, search=search, baseline=None)).specifications()
    assert len(specifications) == 1


@pytest.mark.parametrize("n", [1, 5, 9, 100])
def test_even_rows_are_no_more_than_asked_with_both_ends(n):
    table = pd.DataFrame({"a": np.arange(n)})
    kept = figures.evenly(table, 9)["a"].tolist()
    assert len(kept) == min(n, 9)
    assert (kept[0], kept[-1]) == (0, n - 1)


def test_charts_write_percentages_like_the_text():
    table = compute_properties(["CCO", "CCN"])
    for specification in figures.properties({"valid samples": table}).specifications():
        assert specification["config"]["locale"]["number"]["percent"] == "\u00a0%"


def test_a_figure_is_also_one_svg(run):
    assert figures.training(run.history).svg().startswith("<svg")
