import json

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from molvae.config import OptimizeConfig
from molvae.errors import DataError
from molvae.files import read_table
from molvae.optimize.objective import load_objective
from molvae.optimize.stage import known_molecules, optimize

OBJECTIVE = """
name: polar
mean: geometric
terms:
  - property: tpsa
    maximise: {low: 0, high: 200}
constraints:
  - property: mol_weight
    max: 450
"""
CONFIG = OptimizeConfig(budget=60, batch_size=10, n_start=20, n_candidates=8)


@pytest.fixture(scope="module")
def objective(tmp_path_factory):
    path = tmp_path_factory.mktemp("objective") / "polar.yaml"
    path.write_text(OBJECTIVE)
    return load_objective(str(path))


@pytest.fixture(scope="module")
def run(model, objective, prepared, tmp_path_factory):
    def optimise(config=CONFIG, seed=1, out=None):
        folder = out or tmp_path_factory.mktemp("optimize")
        optimize(model, objective, known_molecules(prepared), folder, config, seed)
        return folder

    return optimise


@pytest.fixture(scope="module")
def found(run):
    return run()


def test_it_spends_the_budget_and_no_more(found):
    trace = read_table(found / "trace.parquet")
    assert trace["call"].tolist() == list(range(1, 61))
    assert trace["smiles"].is_unique
    assert (trace["origin"] == "start").sum() == 20
    assert len(read_table(found / "times.csv")) == 60
    assert not (found / "resume").exists()


def test_candidates_are_new_feasible_and_sorted(found, prepared):
    candidates = read_table(found / "candidates.csv")
    trace = read_table(found / "trace.parquet").set_index("smiles")
    assert 0 < len(candidates) <= 8
    assert not set(candidates["smiles"]) & set(known_molecules(prepared)["smiles"])
    assert trace.loc[candidates["smiles"], "feasible"].all()
    assert (candidates["mol_weight"] <= 450).all()
    assert candidates["score"].is_monotonic_decreasing
    assert candidates["nearest_train_similarity"].between(0, 1).all()


def test_the_sdf_has_the_candidates_with_their_values(found):
    candidates = read_table(found / "candidates.csv")
    mols = list(Chem.SDMolSupplier(str(found / "candidates.sdf")))
    assert [Chem.MolToSmiles(mol) for mol in mols] == candidates["smiles"].tolist()
    assert float(mols[0].GetProp("score")) == pytest.approx(candidates["score"][0], rel=1e-4)


def test_the_summary_follows_from_the_trace(found):
    summary = json.loads((found / "summary.json").read_text())
    trace = read_table(found / "trace.parquet")
    best = np.sort(trace["score"].where(trace["feasible"], 0.0))[::-1]
    assert summary["top10_mean"] == pytest.approx(best[:10].mean())
    assert summary["n_calls"] == 60
    assert summary["training_top10_mean"] > 0
    assert sum(origin["calls"] for origin in summary["origins"].values()) == 60


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(run, found):
    again, other = run(), run(seed=2)
    for name in ("trace.parquet", "candidates.csv", "summary.json"):
        assert (again / name).read_bytes() == (found / name).read_bytes()
    assert (other / "trace.parquet").read_bytes() != (found / "trace.parquet").read_bytes()


def test_a_killed_search_goes_on_to_the_same_trace(run, found, objective, tmp_path, monkeypatch):
    from molvae.optimize.oracle import Oracle

    class KilledError(Exception):
        pass

    def dying(self, proposals, number, score=Oracle.score):
        if number == 4:
            raise KilledError
        return score(self, proposals, number)

    with monkeypatch.context() as patched:
        patched.setattr(Oracle, "score", dying)
        with pytest.raises(KilledError):
            run(out=tmp_path)
    assert (tmp_path / "resume" / "calls.csv").exists()
    scored = []
    evaluate_batch = type(objective).evaluate_batch
    with monkeypatch.context() as patched:
        patched.setattr(
            type(objective),
            "evaluate_batch",
            lambda self, smiles: scored.extend(smiles) or evaluate_batch(self, smiles),
        )
        run(out=tmp_path, config=CONFIG.model_copy(update={"compare_training": False}))
    assert (tmp_path / "trace.parquet").read_bytes() == (found / "trace.parquet").read_bytes()
    assert len(scored) == 60 - 40


def test_without_known_molecules_it_starts_from_the_model(model, objective, tmp_path):
    config = CONFIG.model_copy(update={"compare_training": False})
    optimize(model, objective, known_molecules(None), tmp_path, config, 1)
    trace = read_table(tmp_path / "trace.parquet")
    assert len(trace) == 60
    assert not trace["in_training"].any()
    assert pd.isna(read_table(tmp_path / "candidates.csv")["nearest_train_similarity"]).all()


def test_the_random_strategy_only_samples(run):
    folder = run(config=CONFIG.model_copy(update={"strategy": "random", "compare_training": False}))
    assert set(read_table(folder / "trace.parquet")["origin"]) == {"sample"}
    assert "training_top10_mean" not in json.loads((folder / "summary.json").read_text())


def test_a_missing_reference_is_named(tmp_path):
    with pytest.raises(DataError, match=r"molecules\.parquet"):
        known_molecules(tmp_path / "none")


def test_molecules_without_a_score_above_0_are_no_candidates(model, prepared, tmp_path, caplog):
    (tmp_path / "no.yaml").write_text("name: no_signal\nterms: [{has: '[U]'}]\n")
    config = CONFIG.model_copy(update={"budget": 20, "n_start": 5, "compare_training": False})
    with caplog.at_level("WARNING", logger="molvae"):
        optimize(model, load_objective(str(tmp_path / "no.yaml")), known_molecules(prepared), tmp_path, config, 1)
    assert read_table(tmp_path / "candidates.csv").empty
    assert "no score is above 0" in caplog.text


def test_training_molecules_that_fail_are_no_zeros_in_the_comparison(model, prepared, tmp_path, caplog):
    script = "#!/bin/sh\nwhile read smiles; do\n  echo x >> count\n"
    script += "  [ $(wc -l < count) -gt 20 ] && { echo no licence >&2; exit 7; }\n  echo 0.5\ndone\n"
    (tmp_path / "out.sh").write_text(script)
    (tmp_path / "out.yaml").write_text("name: runs_out\nterms: [{command: sh out.sh}]\n")
    config = CONFIG.model_copy(update={"budget": 20, "n_start": 5})
    with caplog.at_level("WARNING", logger="molvae"):
        optimize(model, load_objective(str(tmp_path / "out.yaml")), known_molecules(prepared), tmp_path, config, 1)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["training_n_feasible"] == 0
    assert "training_top10_mean" not in summary
    assert "runs_out, training set: " in caplog.text
    assert "no licence" in caplog.text
