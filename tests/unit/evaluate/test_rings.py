import math

from molvae.evaluate.rings import ring_metrics

TRAINING = ["Cc1ccccc1", "CC1CCNCC1", "CCO"]


def test_distinct_molecules_with_odd_rings_are_counted_and_compared_with_those_of_the_test_set():
    samples = ["CC1=CC=CCC1", "CC1=CC=CCC1", "Oc1ccccc1", None, "CCN", "OC1CCC1"]
    metrics = ring_metrics(samples, ["Clc1ccccc1", "CC1CC1"], TRAINING, 1)
    assert {name: (metric.value, metric.n) for name, metric in metrics.items()} == {
        "broken_aromatics": (0.25, 4),
        "unseen_rings": (0.5, 4),
        "broken_aromatics_test": (0.0, 2),
        "unseen_rings_test": (0.5, 2),
    }
    assert metrics["broken_aromatics"].better == "lower"


def test_without_samples_there_is_no_share():
    assert math.isnan(ring_metrics([None], ["CC"], TRAINING, 1)["broken_aromatics"].value)
