import json
from dataclasses import replace

import pandas as pd

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


def test_further_layers_have_their_own_names(run):
    table = run.evaluation.latent_map
    more = pd.concat([table, table.head(1).assign(split="candidate")], ignore_index=True)
    content = map_content(replace(run.evaluation, latent_map=more))
    assert content["layers"][-1] == "candidate"
