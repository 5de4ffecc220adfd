import json
from dataclasses import replace

import pandas as pd
import pytest

from molvae.report import latent_map
from molvae.report.latent_map import map_content


def test_points_have_a_layer_values_and_structures(run):
    content = map_content(run.evaluation)
    json.dumps(content, allow_nan=False)
    assert content["layers"] == ["training molecules", "test molecules"]
    assert len(content["points"]) == len(run.evaluation.latent_map)
    assert all(point[4] for point in content["points"])
    assert [colouring["title"] for colouring in content["colourings"]][:2] == ["Molecular weight, Da", "logP"]
    assert "rank correlation" in content["finding"]


def test_a_large_map_is_thinned_and_draws_only_some(run, monkeypatch):
    monkeypatch.setattr(latent_map, "MAX_POINTS", 20)
    monkeypatch.setattr(latent_map, "MAX_SKETCHES", 5)
    content = map_content(run.evaluation)
    assert len(content["points"]) == 20
    assert sum(bool(point[4]) for point in content["points"]) == 5
    assert content["caption"].startswith("20 of the 40")


@pytest.fixture
def searched(run):
    """Return the run with a map of its search."""
    table = run.evaluation.latent_map
    layers = ["search_path", "search_path", "candidate", "reference"]
    (search,) = run.optimizations
    return replace(search, latent_map=table.head(4).assign(split=layers))


def test_a_search_has_layers_of_its_own_that_are_drawn_large_and_joined_along_its_path(run, searched):
    content = map_content(run.evaluation, [searched])
    assert content["layers"] == ["training molecules", "test molecules", "search path", "candidates", "reference"]
    assert (content["emphasised"], content["joined"]) == ([2, 3, 4], [2])
    assert [point[2] for point in content["points"][-4:]] == [2, 2, 3, 4]
    assert all(point[4] for point in content["points"][-4:])
    assert "The only candidate lies at percentile" in content["finding"]


def test_layers_of_several_searches_are_told_apart(run, searched):
    content = map_content(run.evaluation, [searched, replace(searched, objective="more_polar")])
    assert "candidates (more polar)" in content["layers"]


def test_samples_are_a_layer(run):
    table = run.evaluation.latent_map
    more = pd.concat([table, table.head(1).assign(split="sample")], ignore_index=True)
    assert map_content(replace(run.evaluation, latent_map=more))["layers"][-1] == "samples"


def test_a_search_of_an_earlier_version_has_no_layers(run):
    searches = [replace(search, latent_map=None) for search in run.optimizations]
    assert len(map_content(run.evaluation, searches)["layers"]) == 2


def test_an_evaluation_of_an_earlier_version_has_other_axes_and_so_no_places_for_a_search(run, searched):
    metrics = {name: metric for name, metric in run.evaluation.metrics.items() if "explained" not in name}
    assert len(map_content(replace(run.evaluation, metrics=metrics), [searched])["layers"]) == 2
