import csv
import io
import math
from dataclasses import replace

from molvae.metrics.metric import Metric
from molvae.metrics.registry import measured
from molvae.report.tables import (
    candidate_table,
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


def test_candidates_have_drawings_terms_alerts_and_every_property(run):
    (result,) = run.optimizations
    table = candidate_table(result)
    titles = [column.title for column in table.columns]
    assert titles[:3] == ["Rank", "Candidate", "Score"]
    assert {"polar", "Alerts", "Nearest training molecule", "TPSA, Å²", "Bertz complexity"} <= set(titles)
    assert len(table.rows) == len(result.candidates)
    first = table.rows[0]
    assert first[1].svg.startswith("<svg")
    assert len(first) == len(titles)


def test_numbers_sort_by_their_full_value(run):
    (result,) = run.optimizations
    table = candidate_table(result)
    place = [column.title for column in table.columns].index("Score")
    assert [float(row[place].order) for row in table.rows] == result.candidates["score"].tolist()


def test_a_property_that_is_a_term_already_is_hidden_at_first(run):
    (result,) = run.optimizations
    secondary = {column.title: column.secondary for column in candidate_table(result).columns}
    assert secondary["logP"]
    assert not secondary["TPSA, Å²"]


def test_the_file_to_save_is_the_whole_table(run):
    (result,) = run.optimizations
    rows = list(csv.DictReader(io.StringIO(candidate_table(result).csv)))
    assert [row["smiles"] for row in rows] == result.candidates["smiles"].tolist()


def test_candidates_that_were_not_scored_have_no_column_of_alerts(run):
    (result,) = run.optimizations
    titles = [column.title for column in candidate_table(replace(result, scored=None)).columns]
    assert "Alerts" not in titles


def test_no_candidate_gives_an_empty_table(run):
    (result,) = run.optimizations
    assert candidate_table(replace(result, candidates=result.candidates.head(0))).rows == ()


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


def test_candidates_have_columns_of_the_score_stage_and_of_the_search(run):
    (result,) = run.optimizations
    table = candidate_table(result, {"pIC50": "-log10 M"})
    titles = [column.title for column in table.columns]
    row = dict(zip(titles, (cell.text for cell in table.rows[0]), strict=True))
    assert row["Neighbour's ID"].startswith("cpd-")
    assert row["Rings seen in training"] == "0.50"
    assert row["Unusualness (percentile)"] == "100"
    assert row["Origin"] == "perturbed"
    measured = [
        cell.text for cells in table.rows for title, cell in zip(titles, cells, strict=True) if "pIC50" in title
    ]
    assert set(measured) - {"–"}
    assert all(text == "–" or 5 <= float(text) < 7 for text in measured)
    assert {"nearest_train_id", "nearest_train_pIC50"} <= set(next(csv.reader(io.StringIO(table.csv))))


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
