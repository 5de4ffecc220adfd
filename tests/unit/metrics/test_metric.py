import json
import math

from molvae.metrics.metric import Metric, as_json


def test_a_figure_is_written_with_what_it_has():
    figures = {"bare": Metric(0.5, 3, "A share."), "full": Metric(1.5, 3, "A distance.", 7, "few molecules")}
    assert as_json(figures) == {
        "bare": {"value": 0.5, "n": 3, "definition": "A share."},
        "full": {"value": 1.5, "n": 3, "n_reference": 7, "definition": "A distance.", "warning": "few molecules"},
    }


def test_a_figure_of_nothing_is_null():
    content = as_json({"share": Metric(math.nan, 0, "A share.")})
    assert json.loads(json.dumps(content, allow_nan=False)) == {
        "share": {"value": None, "n": 0, "definition": "A share."}
    }
