import json

import numpy as np
import pytest

from molvae.chem.descriptors import compute_properties
from molvae.config import OptimizeConfig
from molvae.files import read_table
from molvae.optimize.learned_terms import candidate_columns
from molvae.optimize.objective import Objective
from molvae.optimize.spec import ObjectiveSpec
from molvae.optimize.stage import known_molecules, optimize
from molvae.tables import CANDIDATES

CONFIG = OptimizeConfig(budget=60, batch_size=20, n_start=10, n_candidates=8)


@pytest.fixture(scope="module")
def objective(smiles, tmp_path_factory):
    folder = tmp_path_factory.mktemp("objective")
    values = compute_properties(smiles[:60], ["logp"])["logp"]
    rows = [f"{text},{value:.3f}" for text, value in zip(smiles, values, strict=False)]
    (folder / "measured.csv").write_text("SMILES,logD\n" + "\n".join([*rows, f"{smiles[100]},>4"]) + "\n")
    terms = [{"learned": {"table": "measured.csv", "column": "logD"}, "maximise": {"low": 0, "high": 5}}]
    return Objective(ObjectiveSpec.model_validate({"name": "greasy", "terms": terms}), folder)


@pytest.fixture(scope="module")
def out(model, objective, prepared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("optimize")
    (folder / "learned_stale.json").write_text("{}")
    optimize(model, objective, known_molecules(prepared), folder, CONFIG, seed=1)
    return folder


def test_candidates_come_with_interval_domain_and_nearest_measurement(out):
    table = read_table(out / "candidates.csv")
    assert len(table)
    assert (table["low.logD"] < table["term.logD"]).all()
    assert (table["term.logD"] < table["high.logD"]).all()
    assert table["in_domain.logD"].dtype == bool
    assert table["nearest_similarity.logD"].between(0, 1).all()
    assert table["nearest.logD"].str.len().gt(0).all()
    assert all(CANDIDATES.column(name) for name in table.columns if "logD" in name)


def test_candidates_have_the_prediction_whichever_value_is_searched_by(out, objective, smiles):
    table = read_table(out / "candidates.csv")
    assert table["predicted.logD"].tolist() == pytest.approx(table["term.logD"].tolist(), abs=0.01)
    aimed = objective.spec.model_dump(mode="json")
    aimed["terms"][0]["learned"]["value"] = "optimistic"
    upper = Objective(ObjectiveSpec.model_validate(aimed), objective.folder)
    asked = smiles[60:70]
    assert candidate_columns(upper, asked).equals(candidate_columns(objective, asked))


def test_the_evidence_for_the_term_is_written_and_a_stale_one_removed(out):
    assert [path.name for path in out.glob("learned_*.json")] == ["learned_logD.json"]
    evidence = json.loads((out / "learned_logD.json").read_text())
    assert (evidence["n"], evidence["n_censored"], evidence["column"]) == (60, 1, "logD")
    assert evidence["kept"] in [candidate["name"] for candidate in evidence["candidates"]]
    assert len(evidence["held_out"]["predicted"]) == 60
    assert [point["nominal"] for point in evidence["calibration"]][-1] == 0.95


def test_no_candidate_has_no_row(objective):
    table = candidate_columns(objective, [])
    assert len(table) == 0
    assert "low.logD" in table


def test_an_objective_without_learned_terms_has_no_such_columns(tmp_path):
    plain = Objective(ObjectiveSpec.model_validate({"name": "x", "terms": [{"property": "qed"}]}), tmp_path)
    assert candidate_columns(plain, ["C", "CC"]).shape == (2, 0)


def test_training_molecules_are_scored_outside_the_budget(out):
    summary = json.loads((out / "summary.json").read_text())
    assert summary["n_start_outside_budget"] == 10
    assert summary["n_training"] == 180
    assert np.isfinite(summary["training_top10_mean"])
