import csv
import io
import math
from dataclasses import replace

from molvae.report.run_data import Measure
from molvae.report.tables import (
    candidate_table,
    decoded_rows,
    figure_of,
    leakage_rows,
    measure_rows,
    metric_groups,
    prior_rows,
    prior_title,
    property_rows,
    title_of,
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
    hidden = {column.title: column.secondary for column in candidate_table(result).columns}
    assert hidden["logP"]
    assert not hidden["TPSA, Å²"]


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
    groups = metric_groups(run.samples.moses, {})
    assert sum(len(rows) for rows in groups.values()) == len(run.samples.moses)
    assert groups["Like the test molecules"][0].title == "FCD to test"


def test_measures_show_both_counts_and_the_warning():
    (row,) = measure_rows({"FCD/Test": Measure(4.1, 2000, "d", 5000, "few")})
    assert (row.title, row.figure, row.n, row.warning) == ("FCD to test", "4.10", "2,000 / 5,000", "few")


def test_priors_stand_side_by_side_with_their_counts(run):
    rows = {title: figures for title, figures, _ in prior_rows(run.evaluation.priors)}
    assert rows["Validity"] == ["97.0\u00a0% of 500", "98.0\u00a0% of 500", "99.8\u00a0% of 500"]
    assert rows["FCD"] == ["14.20 over 490", "9.80 over 490", "4.10 over 490"]


def test_what_codes_decode_to_has_a_row_a_kind_with_gaps_where_nothing_was_measured(run):
    measures, rows = decoded_rows(run.evaluation.decoded)
    assert [title for title, _ in measures] == ["Validity", "FCD", "Nats per token", "Similarity"]
    assert rows[0] == ("The molecules themselves", "100\u00a0%", "0.800", "0.700", "–")
    assert rows[3][0] == "Neighbours at radius 0.5"
    assert decoded_rows({}) == ([], [])


def test_titles_and_figures_of_measures():
    assert title_of("unique@1000") == "Uniqueness of the first 1,000"
    assert title_of("SNN/TestSF") == "SNN to scaffold test"
    assert title_of("something_new") == "something new"
    assert figure_of("valid", 0.5) == "50.0\u00a0%"
    assert figure_of("FCD/Test", math.nan) == "–"


def test_leakage_and_measured_properties_have_a_row_each(run):
    [row] = leakage_rows(run.preparation.leakage)
    assert (row[0], *row[2:]) == ("test", "70", "0.53", "0.90", "25.0\u00a0%")
    measured, without_values = property_rows(run.preparation.properties)
    assert measured == ("pIC50", "<log M>", "7", "4.25", "6.5", "9")
    assert without_values == ("Ki", "nM", "0", "", "", "")


def test_candidates_show_what_scoring_found_beside_what_the_search_wrote(run):
    (result,) = run.optimizations
    table = candidate_table(result, {"pIC50": "-log10 M"})
    titles = [column.title for column in table.columns]
    row = dict(zip(titles, (cell.text for cell in table.rows[0]), strict=True))
    assert row["Its name"].startswith("cpd-")
    assert row["Known rings"] == "0.50"
    assert row["Anomaly"] == "100"
    measured = [
        cell.text for cells in table.rows for title, cell in zip(titles, cells, strict=True) if "pIC50" in title
    ]
    assert set(measured) - {"–"}
    assert all(text == "–" or 5 <= float(text) < 7 for text in measured)
    assert {"nearest_train_id", "nearest_train_pIC50"} <= set(next(csv.reader(io.StringIO(table.csv))))


def test_a_measure_shows_its_interval():
    measures = {"FCD/Test": Measure(4.1, 100, "x", interval=(3.9, 4.4)), "valid": Measure(0.98, 100, "x")}
    assert [row.figure for row in measure_rows(measures)] == ["4.10 (3.90 to 4.40)", "98.0\u00a0%"]


def test_the_metrics_of_guacamol_have_a_group_in_which_the_fcd_is_a_score():
    groups = metric_groups({}, {"fcd": Measure(0.4, 100, "x"), "kl_divergence": Measure(0.9, 100, "x")})
    assert [row.title for row in groups["By the GuacaMol benchmark"]] == ["FCD score", "KL score"]
    assert metric_groups({}, {}) == {}


def test_a_prior_is_titled_with_what_its_samples_leave_out(run):
    titles = {prior.name: prior_title(prior).replace("\u00a0", " ") for prior in run.evaluation.priors}
    assert titles["decoder"].endswith(", p ≥ 0.02, ≤ 31.4 nats")
    assert titles["normal"].endswith(", p ≥ 0.02")
    free = replace(run.evaluation.priors[0], min_probability=0.0)
    assert "," not in prior_title(free)
