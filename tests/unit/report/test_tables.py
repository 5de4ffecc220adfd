import math
from dataclasses import replace

from molvae.metrics.metric import Metric
from molvae.metrics.registry import measured
from molvae.report.tables import (
    constraints,
    decoded_rows,
    leakage_rows,
    metric_groups,
    metric_rows,
    metric_title,
    prior_rows,
    prior_title,
    property_rows,
    value_text,
)


def test_every_moses_metric_is_in_one_group(run):
    groups = metric_groups(run.samples.moses)
    assert sum(len(rows) for rows in groups.values()) == len(run.samples.moses)
    assert groups["Similarity to the test set"][0].title == "FCD to test set"


def test_metrics_show_both_sample_sizes_the_direction_and_the_warning():
    metric = Metric(4.1, 2000, "A distance.", better="lower", n_reference=5000, warning="few")
    (row,) = metric_rows({"FCD/Test": metric})
    assert (row.title, row.value, row.n, row.warning) == ("FCD to test set", "4.100", "2,000 / 5,000", "few")
    assert row.definition == "A distance. Lower is better."


def test_priors_are_compared_side_by_side_with_their_sample_sizes(run):
    rows = {title: values for title, values, _ in prior_rows(run.evaluation.priors)}
    assert rows["Validity"] == [f"{value}\u00a0% (n\u00a0=\u00a0500)" for value in ("97.0", "98.0", "99.8")]
    assert rows["FCD"] == [f"{value} (n\u00a0=\u00a0490)" for value in ("14.20", "9.80", "4.10")]


def test_each_kind_of_decoded_codes_has_a_row_with_a_dash_where_nothing_was_measured(run):
    metrics, rows = decoded_rows(run.evaluation.decoded)
    assert [title for title, _ in metrics] == ["Validity", "FCD", "Anomaly score, nats per token", "Similarity"]
    assert rows[0] == ("Held-out molecules", "100\u00a0%", "0.80", "0.70", "–")
    assert rows[3][0] == "Neighbours at radius 0.5"
    assert decoded_rows({}) == ([], [])


def test_titles_units_and_directions_come_from_the_registry_and_nothing_from_names():
    fraction, other = measured("valid", 0.5, 1), Metric(math.nan, 1, "d", unit="Da")
    assert metric_title("unique@1000", fraction) == "Uniqueness of the first 1,000"
    assert (
        metric_title("SNN/TestSF", measured("SNN/TestSF", 0.5, 1))
        == "Nearest-neighbour similarity to scaffold test set"
    )
    assert metric_title("weight", measured("weight", 0.5, 1)) == "Molecular weight distance, Da"
    assert metric_title("unique@3_new/Test", other) == "unique@3_new/Test, Da"
    assert value_text("valid", fraction, 0.5) == "50.0\u00a0%"
    assert value_text("weight", other, math.nan) == "–"
    assert value_text("weight", other, 5.0) == "5.000"
    assert value_text("active_units", measured("active_units", 41.0, 1), 41.0) == "41"
    assert list(metric_groups({"unique@3_new/Test": other})) == ["Other metrics"]


def test_leakage_and_measured_properties_have_a_row_each(run):
    [row] = leakage_rows(run.preparation.leakage)
    assert (row[0], *row[2:]) == ("test", "70", "0.53", "0.90", "25.0\u00a0%")
    measured, without_values = property_rows(run.preparation.properties)
    assert measured == ("pIC50", "<log M>", "7", "4.25", "6.5", "9")
    assert without_values == ("Ki", "nM", "0", "", "", "")


def test_a_metric_shows_its_interval():
    metrics = {"FCD/Test": measured("FCD/Test", 4.1, 100, interval=(3.9, 4.4)), "valid": measured("valid", 0.98, 100)}
    assert [row.value for row in metric_rows(metrics)] == ["4.100 (3.900 to 4.400)", "98.0\u00a0%"]


def test_the_metrics_of_guacamol_have_a_group_in_which_the_fcd_is_a_score():
    metrics = {name: measured(name, 0.4, 100) for name in ("guacamol/fcd", "guacamol/kl_divergence")}
    groups = metric_groups(metrics)
    assert [row.title for row in groups["GuacaMol benchmark"]] == ["FCD score", "KL score"]
    assert metric_groups({}) == {}


def test_a_prior_is_titled_with_what_its_samples_leave_out(run):
    titles = {prior.name: prior_title(prior).replace("\u00a0", " ") for prior in run.evaluation.priors}
    assert titles["decoder"].endswith(", p ≥ 0.02, ≤ 31.4 nats")
    assert titles["normal"].endswith(", p ≥ 0.02")
    free = replace(run.evaluation.priors[0], min_probability=0.0)
    assert "," not in prior_title(free)


def test_constraints_are_ranked_by_what_they_reject():
    counts = {"amide": {"violated": 3, "alone": 1}, "mol_weight": {"violated": 1200, "alone": 900}}
    assert constraints(counts) == [("mol_weight", "1,200", "900"), ("amide", "3", "1")]
    assert constraints({}) == []
