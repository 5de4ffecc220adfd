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


def test_every_panel_takes_the_width_of_its_place_and_is_plain_json(run):
    drawn = [figures.training(run.history), figures.latent_map(run.evaluation.latent_map)]
    for figure in [*drawn, *(figures.optimization(result) for result in run.optimizations)]:
        for specification in figure.specifications():
            assert specification["width"] == "container"
            json.dumps(specification, allow_nan=False)


def test_a_figure_is_the_same_when_it_is_drawn_again(run):
    first = figures.latent_map(run.evaluation.latent_map).specifications()
    assert figures.latent_map(run.evaluation.latent_map).specifications() == first


def test_the_map_has_a_structure_for_every_point_and_a_choice_of_colours(run):
    (specification,) = figures.latent_map(run.evaluation.latent_map).specifications()
    assert all(row["image"].startswith("data:image/svg+xml;base64,") for row in values_of(specification))
    (parameter,) = specification["params"]
    assert parameter["bind"]["options"] == ["Molecular weight", "logP", "QED", "SA score"]


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
    specification, _ = figures.optimization(result).specifications()
    rows = [row for values in specification["datasets"].values() for row in values if "curve" in row]
    assert {row["curve"] for row in rows} == {"ten best", "best", "random sampling: ten best"}
    assert max(row["call"] for row in rows) == len(result.search.trace)


def test_a_search_without_baseline_start_or_training_scores_is_drawn(run):
    (result,) = run.optimizations
    search = replace(result.search, summary={}, trace=result.search.trace.assign(origin="prior"))
    specifications = figures.optimization(replace(result, search=search, baseline=None)).specifications()
    assert len(specifications) == 2


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
