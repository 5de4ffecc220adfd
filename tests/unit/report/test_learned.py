import json

import pandas as pd
import pytest

from molvae.config import RunConfig
from molvae.report import report
from molvae.report.decision import decision_sections
from molvae.report.learned import learned_parts
from molvae.report.run_data import load_optimization, load_run

ERRORS = {"rmse": 0.61, "mae": 0.47, "r2": 0.69, "spearman": 0.85, "n": 40}
EVIDENCE = {
    "source": "pIC50, learned from measured.csv",
    "column": "pIC50",
    "n": 40,
    "n_values": 43,
    "n_censored": 2,
    "n_rejected": 1,
    "coverage": 0.8,
    "domain_similarity": 0.41,
    "candidates": [
        {"name": "gaussian_process", "random": {**ERRORS, "rmse": 0.48}, "scaffold": ERRORS},
        {"name": "extra_trees", "random": ERRORS, "scaffold": {**ERRORS, "rmse": 0.72}},
    ],
    "kept": "gaussian_process",
    "split": "scaffold",
    "calibration": [{"nominal": 0.5, "actual": 0.52}, {"nominal": 0.8, "actual": 0.79}],
    "held_out": {"smiles": ["C", "CC"], "measured": [5.0, 6.0], "predicted": [5.2, 5.9]},
}


@pytest.fixture
def with_learned(own_folder):
    folder = own_folder / "optimize" / "demo"
    (folder / "learned_pIC50.json").write_text(json.dumps(EVIDENCE))
    table = pd.read_csv(folder / "candidates.csv")
    table["in_domain.pIC50"] = [n > 4 for n in range(len(table))]
    table.to_csv(folder / "candidates.csv", index=False)
    return own_folder


def test_the_evidence_is_put_in_words(with_learned):
    [part] = learned_parts(with_learned, load_optimization(with_learned, "demo"))
    assert part.term == "pIC50"
    assert "off by 0.61 (RMSE)" in part.lead
    assert "whole scaffolds held out" in part.lead
    assert [(row.is_kept, row.scaffold[0], row.random[0]) for row in part.errors] == [
        (True, "0.61", "0.48"),
        (False, "0.72", "0.61"),
    ]
    assert "3 repeated measurements are averaged; 2 bounds" in part.note
    assert part.domain.startswith("15 of 20 candidates")
    assert "at least 0.41" in part.domain
    assert len(part.figure.specifications()) == 2


def test_without_scaffolds_it_says_what_was_held_out(with_learned):
    candidates = [{**candidate, "scaffold": None} for candidate in EVIDENCE["candidates"]]
    file = with_learned / "optimize" / "demo" / "learned_pIC50.json"
    file.write_text(json.dumps({**EVIDENCE, "split": "random", "candidates": candidates}))
    [part] = learned_parts(with_learned, load_optimization(with_learned, "demo"))
    assert "a random fifth held out" in part.lead
    assert part.errors[0].scaffold == ()


def test_errors_of_small_values_are_no_zeros(with_learned):
    small = {**ERRORS, "rmse": 3.1e-8, "mae": 2.2e-8}
    candidates = [{"name": "gaussian_process", "random": small, "scaffold": small}]
    file = with_learned / "optimize" / "demo" / "learned_pIC50.json"
    file.write_text(json.dumps({**EVIDENCE, "candidates": candidates}))
    [part] = learned_parts(with_learned, load_optimization(with_learned, "demo"))
    assert "off by 0.000000031 (RMSE)" in part.lead
    assert part.errors[0].scaffold == ("0.000000031", "0.000000022", "0.69", "0.85")


@pytest.mark.parametrize(("r2", "said"), [(-0.4, "\u22120.40"), (0.0, "0.00"), (0.1, "")])
def test_a_model_that_predicts_nothing_is_called_that(with_learned, run, r2, said):
    poor = {**ERRORS, "r2": r2}
    candidates = [{"name": "gaussian_process", "random": poor, "scaffold": poor}]
    file = with_learned / "optimize" / "demo" / "learned_pIC50.json"
    file.write_text(json.dumps({**EVIDENCE, "candidates": candidates}))
    [part] = learned_parts(with_learned, load_optimization(with_learned, "demo"))
    assert ("are no better than the mean of the values with whole scaffolds" in part.lead) == bool(said)
    assert part.errors[0].scaffold[2] == (said or "0.10")
    (section,) = decision_sections(load_run(with_learned, run.settings))
    doubts = " ".join(section.content["doubts"])
    assert ("The predictions of pIC50 are no better than the mean of its measured values" in doubts) == bool(said)


def test_the_page_shows_it(with_learned):
    page = report(with_learned, RunConfig())
    text = page.read_text()
    assert "Learned: pIC50" in text
    assert 'id="figure-learned_demo_pIC50"' in text
    assert (page.with_suffix("") / "figures" / "learned_demo_pIC50.svg").stat().st_size > 0
