import json
import math

import pytest

from molvae.errors import ConfigError
from molvae.metrics.metric import Metric, to_json
from molvae.metrics.registry import METRICS, measured, metrics_from_json

FULL = Metric(1.5, 3, "A distance.", "Da", "lower", 7, "few molecules", (1.0, 2.0))


def test_a_metric_is_written_with_what_it_has():
    assert to_json({"some": Metric(0.5, 3, "A fraction."), "full": FULL}) == {
        "some": {"value": 0.5, "n": 3, "definition": "A fraction."},
        "full": {
            "value": 1.5,
            "interval": [1.0, 2.0],
            "n": 3,
            "n_reference": 7,
            "unit": "Da",
            "better": "lower",
            "definition": "A distance.",
            "warning": "few molecules",
        },
    }


def test_a_metric_of_nothing_is_null_in_files_and_nan_again_when_read():
    content = json.loads(json.dumps(Metric(math.nan, 0, "A fraction.").to_json(), allow_nan=False))
    assert content == {"value": None, "n": 0, "definition": "A fraction."}
    assert math.isnan(Metric.from_json(content).value)


@pytest.mark.parametrize("metric", [FULL, Metric(0.5, 3, "A fraction.")])
def test_what_is_written_is_read_again(metric):
    assert Metric.from_json(json.loads(json.dumps(metric.to_json()))) == metric


def test_files_of_earlier_versions_get_unit_and_direction_from_the_registry():
    content = {"exact_reconstruction": {"value": 0.5, "n": 3, "definition": "d"}, "priors": {"flow": {}}, "by_size": []}
    (name, metric), *others = metrics_from_json(content).items()
    assert (name, metric.unit, metric.better, others) == ("exact_reconstruction", "fraction", "higher", [])
    (name, metric), *_ = metrics_from_json({"fcd": {"value": 0.5, "n": 3, "definition": "d"}}, "guacamol/").items()
    assert (name, metric.better) == ("guacamol/fcd", "higher")
    assert metrics_from_json({"of a later version": FULL.to_json()}) == {"of a later version": FULL}


def test_a_value_has_what_the_registry_says_of_its_metric():
    metric = measured("fcd", 4.0, 100, n_reference=50)
    spec = METRICS["fcd"]
    assert (metric.definition, metric.unit, metric.better) == (spec.definition, spec.unit, spec.better)
    with pytest.raises(ConfigError, match="did you mean fcd"):
        measured("fcdd", 1.0, 1)
