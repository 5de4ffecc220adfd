import json

from molvae.report.diagnostics import latent_space


def test_every_panel_is_drawn_from_its_rows(run):
    figure = latent_space(run.evaluation)
    assert figure is not None
    by_size, by_dimension, by_distance, decoded = figure.specifications()
    rows = [next(iter(panel["datasets"].values())) for panel in (by_size, by_dimension, by_distance, decoded)]
    assert [row["size"] for row in rows[0]] == ["9–12", "13"]
    assert [row["nats"] for row in rows[1]] == [2.0, 0.7, 0.1]
    assert [row["dimension"] for row in rows[1]] == [1, 2, 0]
    assert [row["n"] for row in rows[2]] == [12, 1000]
    assert [row["kind"] for row in rows[3]][-1] == "Prior samples"
    json.dumps(figure.specifications(), allow_nan=False)
    assert figure.svg().startswith("<svg")
