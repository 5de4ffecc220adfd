"""What holds of every registered metric, and of every metric that a stage writes."""

import json

import pytest

from molvae.config import EvaluateConfig, RunConfig, ScoreConfig
from molvae.evaluate import evaluate
from molvae.metrics.definitions import GUACAMOL
from molvae.metrics.metric import to_json
from molvae.metrics.registry import METRICS, MetricSpec, measured, metrics_from_json
from molvae.report.run_data import load_run
from molvae.report.tables import metric_groups, metric_rows
from molvae.score.reference import Reference
from molvae.score.stage import score
from tests.fixtures.run_folder import build_run_folder


@pytest.fixture(params=METRICS)
def spec(request):
    return METRICS[request.param]


def test_it_has_a_title_a_direction_and_a_definition(spec):
    assert spec.title
    assert spec.better in ("higher", "lower", None)
    assert spec.definition.endswith(".")
    # The report says it from the direction.
    assert "is best" not in spec.definition


def test_every_metric_that_evaluate_writes_is_registered(model, prepared, tmp_path):
    evaluate(model, prepared, tmp_path, EvaluateConfig(n_reconstruct=10, n_samples=20, n_latent=10, n_map=10), seed=1)
    content = json.loads((tmp_path / "metrics.json").read_text())
    check(content)
    for part in [*content["priors"].values(), *content["decoded"].values()]:
        check(part)


def test_every_metric_that_score_writes_is_registered(smiles, tmp_path):
    reference = Reference(smiles[:20], smiles[20:40], smiles[40:50])
    score(smiles[10:60], reference, tmp_path, ScoreConfig(), seed=1)
    content = json.loads((tmp_path / "metrics.json").read_text())
    check(content)
    check(content["moses"])
    check(content["guacamol"], GUACAMOL)
    assert all(METRICS[name].group for name in metrics_from_json(content["moses"]))


def check(content, prefix=""):
    """Check that the registry knows the metrics in a part of a file, and that they are what it says."""
    metrics = metrics_from_json(content, prefix)
    assert metrics
    for name, metric in metrics.items():
        spec = METRICS[name]
        assert (metric.definition, metric.unit, metric.better) == (spec.definition, spec.unit, spec.better)


def test_a_metric_that_is_added_to_the_registry_shows_up_in_the_report(tmp_path, monkeypatch):
    toy = MetricSpec("Toy metric", "Fraction of toys.", "higher", "fraction", group="Toys")
    monkeypatch.setitem(METRICS._entries, "toy", toy)
    folder = build_run_folder(tmp_path, objectives=(), baseline=False)
    entry = to_json({"toy": measured("toy", 0.25, 8)})
    for path, part in ((folder / "evaluate" / "metrics.json", None), (folder / "score/sample/metrics.json", "moses")):
        content = json.loads(path.read_text())
        (content if part is None else content[part]).update(entry)
        path.write_text(json.dumps(content))
    run = load_run(folder, RunConfig())
    rows = [row for row in metric_rows(run.evaluation.metrics) if row.title == "Toy metric"]
    assert [(row.value, row.n, row.definition) for row in rows] == [
        ("25.0\u00a0%", "8", "Fraction of toys. Higher is better.")
    ]
    assert metric_groups(run.samples.moses)["Toys"] == rows
