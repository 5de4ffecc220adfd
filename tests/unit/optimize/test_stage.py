import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from rdkit import Chem

from molvae.chem.identifiers import molecule_id
from molvae.chem.ring_systems import ring_systems, unseen
from molvae.config import OptimizeConfig
from molvae.errors import DataError
from molvae.files import read_table
from molvae.metrics.known_rings import known_ring_systems
from molvae.optimize.objective import load_objective
from molvae.optimize.pareto import hypervolume
from molvae.optimize.scaffold_memory import scaffold_of
from molvae.optimize.stage import known_molecules, optimize
from molvae.optimize.strategies import STRATEGIES, SearchContext
from molvae.optimize.strategies.random_search import RandomSearch
from molvae.provenance import described
from molvae.tables import LATENT_MAP

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
CONFIG = OptimizeConfig(budget=60, batch_size=10, start="random", n_start=20, n_candidates=8)


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


def test_candidates_say_what_speaks_for_and_against_each(found, prepared):
    candidates = read_table(found / "candidates.csv")
    assert candidates["id"].tolist() == [molecule_id(smiles) for smiles in candidates["smiles"]]
    expected = (candidates["term.tpsa"] / 200).clip(upper=1.0)
    assert candidates["desirability.tpsa"].tolist() == pytest.approx(expected.tolist())
    assert candidates["targets_met"].tolist() == (candidates["desirability.tpsa"] >= 0.5).astype(int).tolist()
    assert (candidates["n_targets"] == 1).all()
    assert candidates["suggested"].sum() == min(5, len(candidates))
    # As many clusters as there are, up to five, are among the suggested.
    n_clusters = candidates["cluster"].nunique()
    assert candidates.loc[candidates["suggested"], "cluster"].nunique() == min(5, n_clusters)
    assert candidates["likelihood_percentile"].between(0, 100).all()
    known = known_ring_systems(known_molecules(prepared).query("split == 'train'")["smiles"].tolist(), 1)
    for smiles, new in zip(candidates["smiles"], candidates["unseen_ring_systems"].fillna(""), strict=True):
        assert "; ".join(unseen(ring_systems(Chem.MolFromSmiles(smiles)), known)) == new


def test_a_search_that_remembers_scaffolds_has_fewer_of_one(run):
    def largest_series(folder):
        scaffolds = [scaffold_of(smiles) for smiles in read_table(folder / "trace.parquet")["smiles"]]
        return Counter(scaffold for scaffold in scaffolds if scaffold).most_common(1)[0][1]

    config = CONFIG.model_copy(update={"budget": 150, "start": "best", "compare_training": False})
    free = run(config=config)
    bounded = run(config=config.model_copy(update={"max_per_scaffold": 3}))
    assert largest_series(bounded) < largest_series(free)
    scores = read_table(bounded / "trace.parquet")
    assert scores["score"].tolist() == pytest.approx((scores["term.tpsa"] / 200).clip(0, 1).tolist())


def test_the_sdf_has_the_candidates_with_their_values(found):
    candidates = read_table(found / "candidates.csv")
    mols = list(Chem.SDMolSupplier(str(found / "candidates.sdf")))
    assert [Chem.MolToSmiles(mol) for mol in mols] == candidates["smiles"].tolist()
    assert float(mols[0].GetProp("score")) == pytest.approx(candidates["score"][0], rel=1e-4)


def test_the_map_has_the_candidates_and_the_best_molecules_on_the_way(found):
    mapped = LATENT_MAP.read(found / "latent_map.parquet")
    layers = {layer: rows["smiles"].tolist() for layer, rows in mapped.groupby("split")}
    assert layers["candidate"] == read_table(found / "candidates.csv")["smiles"].tolist()
    trace = read_table(found / "trace.parquet").query("feasible").set_index("smiles")
    scores = trace.loc[layers["search_path"], "score"]
    assert scores.is_monotonic_increasing
    assert scores.is_unique
    assert scores.iloc[-1] == trace["score"].max()
    assert mapped[["x", "y", "qed"]].notna().all().all()


def test_the_summary_follows_from_the_trace(found):
    summary = json.loads((found / "summary.json").read_text())
    trace = read_table(found / "trace.parquet")
    best = np.sort(trace["score"].where(trace["feasible"], 0.0))[::-1]
    assert summary["top10_mean"] == pytest.approx(best[:10].mean())
    assert summary["n_calls"] == 60
    for n in (1, 10, 100):
        assert 0 < summary[f"auc_top{n}"] <= summary[f"top{n}_mean"]
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


def test_a_known_molecule_without_its_stereochemistry_is_not_new(model, objective, tmp_path, monkeypatch):
    train, test = "C[C@H](N)C(=O)O", "CC[C@H](N)C(=O)O"
    asked = ["CC(N)C(=O)O", train, "C[C@@H](N)C(=O)O", "CCC(N)C(=O)O", "NCC(=O)O"]
    monkeypatch.setattr(RandomSearch, "ask", lambda *_: [(smiles, "sample") for smiles in asked])
    known = pd.DataFrame({"smiles": [train, test], "split": ["train", "test"]})
    optimize(model, objective, known, tmp_path, QUICK.model_copy(update={"budget": 5, "n_start": 0}), 1)
    assert read_table(tmp_path / "trace.parquet")["in_training"].tolist() == [True, True, False, False, False]
    candidates = pd.read_csv(tmp_path / "candidates.csv")["smiles"]
    assert sorted(candidates) == ["C[C@@H](N)C(=O)O", "NCC(=O)O"]


def test_molecules_without_a_score_above_0_are_no_candidates(model, prepared, tmp_path, caplog):
    (tmp_path / "no.yaml").write_text("name: no_signal\nterms: [{has: '[U]'}]\n")
    config = CONFIG.model_copy(update={"budget": 20, "n_start": 5, "compare_training": False})
    with caplog.at_level("WARNING", logger="molvae"):
        optimize(model, load_objective(str(tmp_path / "no.yaml")), known_molecules(prepared), tmp_path, config, 1)
    assert read_table(tmp_path / "candidates.csv").empty
    assert "no score is above 0" in caplog.text


def test_by_default_it_starts_from_the_best_of_the_training_set_outside_the_budget(run, objective, prepared, caplog):
    train = known_molecules(prepared).query("split == 'train'")["smiles"]
    with caplog.at_level("INFO", logger="molvae"):
        folder = run(config=OptimizeConfig(budget=20, batch_size=10, n_start=30, n_candidates=8))
    trace = read_table(folder / "trace.parquet")
    assert len(trace) == 20
    assert "start" not in set(trace["origin"])
    assert not trace["in_training"].any()
    assert "starting from the 30 best training molecules, outside the budget" in caplog.text
    assert caplog.text.count(f"scoring the {len(train)} training molecules") == 1
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["n_start_outside_budget"] == 30
    assert summary["n_training"] == len(train)


def test_the_users_own_files_are_in_the_summary(model, prepared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "scorer_of_summary.py").write_text("def score(smiles):\n    return [0.5] * len(smiles)\n")
    term = "{python: 'scorer_of_summary:score', name: s}"
    (tmp_path / "own" / "own.yaml").write_text(f"name: own\nterms: [{term}]\n")
    config = CONFIG.model_copy(update={"budget": 10, "n_start": 5})
    optimize(model, load_objective("own/own.yaml"), known_molecules(prepared), tmp_path / "out", config, 1)
    files = json.loads((tmp_path / "out" / "summary.json").read_text())["files"]
    assert files == {"own/scorer_of_summary.py": described(tmp_path / "own" / "scorer_of_summary.py")}


def test_a_users_own_function_is_not_called_outside_the_budget(model, prepared, tmp_path):
    (tmp_path / "count.sh").write_text("while read smiles; do echo $smiles >> calls; echo 0.5; done\n")
    (tmp_path / "count.yaml").write_text("name: counted\nterms: [{command: sh count.sh}]\n")
    config = OptimizeConfig(budget=20, batch_size=10, n_start=5, n_candidates=8)
    optimize(model, load_objective(str(tmp_path / "count.yaml")), known_molecules(prepared), tmp_path, config, 1)
    trace = read_table(tmp_path / "trace.parquet")
    assert sorted((tmp_path / "calls").read_text().split()) == sorted(trace["smiles"])
    assert (trace["origin"] == "start").sum() == 5


def test_a_users_program_is_not_called_again_for_a_larger_budget(model, prepared, tmp_path, caplog):
    (tmp_path / "count.sh").write_text("while read smiles; do echo $smiles >> calls; echo 0.5; done\n")
    (tmp_path / "count.yaml").write_text("name: counted\nterms: [{command: sh count.sh}]\n")
    counted, known = load_objective(str(tmp_path / "count.yaml")), known_molecules(prepared)
    small = OptimizeConfig(budget=20, batch_size=10, n_start=5, n_candidates=8)
    for config in (small, small.model_copy(update={"n_candidates": 4, "batch_size": 7})):
        optimize(model, counted, known, tmp_path / "out", config, 1)
        assert len((tmp_path / "calls").read_text().split()) == 20
    assert "the budget of 20 is spent by the recorded calls" in caplog.text
    optimize(model, counted, known, tmp_path / "out", small.model_copy(update={"budget": 30}), 1)
    calls = (tmp_path / "calls").read_text().split()
    assert len(calls) == len(set(calls)) == 30
    assert read_table(tmp_path / "out" / "trace.parquet")["smiles"].tolist() == calls


@pytest.mark.parametrize("budget", [1, 7])
def test_a_budget_smaller_than_a_batch_is_spent_exactly(run, budget):
    config = CONFIG.model_copy(update={"budget": budget, "batch_size": 100, "compare_training": False})
    assert len(read_table(run(config=config) / "trace.parquet")) == budget


def test_a_budget_of_nothing_is_refused_in_one_line():
    with pytest.raises(ValidationError, match=r"budget\n  Input should be greater than or equal to 1"):
        OptimizeConfig(budget=0)


class KilledError(Exception):
    pass


@pytest.fixture
def kill(run, monkeypatch):
    """Return a function that runs a search until a round, and leaves its record in a folder."""
    from molvae.optimize.oracle import Oracle

    def until(number, out, config=CONFIG):
        def dying(self, proposals, current, score=Oracle.score):
            if current == number:
                raise KilledError
            return score(self, proposals, current)

        with monkeypatch.context() as patched:
            patched.setattr(Oracle, "score", dying)
            with pytest.raises(KilledError):
                run(config=config, out=out)

    return until


QUICK = CONFIG.model_copy(update={"strategy": "random", "compare_training": False})


def test_a_search_that_goes_on_with_another_seed_keeps_all_calls_and_its_budget(run, kill, tmp_path, monkeypatch):
    kill(4, tmp_path, QUICK)
    recorded = pd.read_csv(tmp_path / "resume" / "calls.csv")["smiles"].tolist()
    told = []
    monkeypatch.setattr(RandomSearch, "tell", lambda self, evaluations: told.extend(evaluations))
    run(config=QUICK, seed=2, out=tmp_path)
    trace = read_table(tmp_path / "trace.parquet")
    assert len(recorded) < 60 == len(trace)
    assert trace["smiles"][: len(recorded)].tolist() == recorded
    assert trace["smiles"].is_unique
    assert {one.smiles for one in told if one.status == "ok"} == set(trace["smiles"])
    assert json.loads((tmp_path / "summary.json").read_text())["n_calls"] == 60


def test_calls_beyond_a_smaller_budget_count_and_are_told(run, kill, tmp_path, caplog):
    kill(4, tmp_path, QUICK)
    n_recorded = len(pd.read_csv(tmp_path / "resume" / "calls.csv"))
    with caplog.at_level("WARNING", logger="molvae"):
        run(config=QUICK.model_copy(update={"budget": 15}), out=tmp_path)
    assert len(read_table(tmp_path / "trace.parquet")) == n_recorded > 15
    assert f"{n_recorded} calls were recorded before, more than the budget of 15" in caplog.text


def test_what_constraints_reject_is_counted(model, prepared, tmp_path, caplog):
    limits = "{property: mol_weight, max: 150}\n  - {name: one_ring, property: rings, max: 1}\n"
    (tmp_path / "hard.yaml").write_text(f"name: hard\nterms: [{{property: qed}}]\nconstraints:\n  - {limits}")
    config = CONFIG.model_copy(update={"budget": 20})
    with caplog.at_level("INFO", logger="molvae"):
        optimize(model, load_objective(str(tmp_path / "hard.yaml")), known_molecules(prepared), tmp_path, config, 1)
    trace = read_table(tmp_path / "trace.parquet")
    heavy, rings = trace["constraint.mol_weight"] > 150, trace["constraint.one_ring"] > 1
    assert json.loads((tmp_path / "summary.json").read_text())["constraints"] == {
        "mol_weight": {"violated": heavy.sum(), "alone": (heavy & ~rings).sum()},
        "one_ring": {"violated": rings.sum(), "alone": (rings & ~heavy).sum()},
    }
    assert "training molecules satisfy the constraints, so the search may spend most of its calls" in caplog.text
    assert f"calls violate a constraint: mol_weight {heavy.sum()}" in caplog.text


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_takes_scores_of_molecules_that_it_did_not_ask_for(model, name, smiles):
    strategy = STRATEGIES[name]
    qed = load_objective("qed")
    context = SearchContext(model, smiles[:6], smiles[:40], 100, qed, 1, n_jobs=1, device=model.device)
    search = strategy(context, strategy.settings_type())
    search.ask(3)
    search.tell(qed.evaluate_batch(smiles[50:60]))
    search.tell([])
    assert search.ask(5)


@pytest.mark.parametrize("settings", [{"executor": "dask"}, {"scheduler": "tcp://10.0.0.1:8786"}])
def test_dask_and_the_address_of_its_scheduler_belong_together(settings):
    with pytest.raises(
        ValidationError, match="scheduler: expected an address with executor: dask, and only then, found"
    ):
        OptimizeConfig(**settings)
    assert OptimizeConfig(executor="dask", scheduler="tcp://10.0.0.1:8786").scheduler == "tcp://10.0.0.1:8786"


def test_a_search_that_starts_from_the_best_goes_on_to_the_same_bytes(run, kill, tmp_path):
    config = QUICK.model_copy(update={"start": "best", "compare_training": None})
    whole = run(config=config)
    kill(3, tmp_path, config)
    run(config=config, out=tmp_path)
    for name in ("trace.parquet", "candidates.csv", "summary.json"):
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes()


PARETO = """
name: apart
mean: pareto
reference_point: [0.1, 0.2]
terms:
  - property: tpsa
    maximise: {low: 0, high: 200}
  - property: logp
    maximise: {low: -2, high: 6}
constraints:
  - {property: mol_weight, max: 450}
"""


@pytest.fixture(scope="module")
def apart(tmp_path_factory, model, prepared):
    folder = tmp_path_factory.mktemp("apart")
    (folder / "apart.yaml").write_text(PARETO)
    config = CONFIG.model_copy(update={"start": "best"})
    optimize(model, load_objective(str(folder / "apart.yaml")), known_molecules(prepared), folder, config, 1)
    return folder


def test_the_front_is_of_the_calls_that_no_other_one_dominates(apart):
    front, trace = read_table(apart / "front.csv"), read_table(apart / "trace.parquet")
    feasible = trace[trace["feasible"]]
    # Both desirabilities rise with the value, up to 1.
    goals = feasible[["term.tpsa", "term.logp"]].clip(upper=[200.0, 6.0], axis=1).to_numpy()
    dominated = [bool(((goals >= one).all(axis=1) & (goals > one).any(axis=1)).any()) for one in goals]
    assert set(front["smiles"]) == set(feasible["smiles"][~np.array(dominated)])
    assert front["knee"].sum() == 1
    assert front["desirability.tpsa"].is_monotonic_decreasing
    assert front["desirability.tpsa"].tolist() == pytest.approx((front["term.tpsa"] / 200).clip(upper=1.0).tolist())


def test_the_hypervolume_and_its_course_are_in_the_summary(apart):
    summary, front = json.loads((apart / "summary.json").read_text()), read_table(apart / "front.csv")
    desirabilities = front[["desirability.tpsa", "desirability.logp"]].to_numpy()
    assert summary["reference_point"] == {"tpsa": 0.1, "logp": 0.2}
    assert summary["hypervolume"] == pytest.approx(hypervolume(desirabilities, [0.1, 0.2]))
    calls, course = zip(*summary["hypervolume_course"], strict=True)
    assert list(calls) == sorted(set(calls))
    assert course[-1] == summary["hypervolume"]
    assert list(course) == sorted(course)
    assert summary["training_hypervolume"] > 0.0


def test_candidates_on_the_front_come_first(apart):
    candidates = read_table(apart / "candidates.csv")
    assert candidates["front"].is_monotonic_increasing
    assert candidates["front"][0] == 1
    for _, same in candidates.groupby("front"):
        assert same["score"].is_monotonic_decreasing
    on_front = read_table(apart / "front.csv").query("score > 0 and not in_training")["smiles"]
    assert set(on_front.head(8)) <= set(candidates["smiles"]) or len(on_front) > 8


def test_a_front_of_another_objective_does_not_stay(model, objective, prepared, tmp_path):
    (tmp_path / "front.csv").write_text("smiles\nC\n")
    config = CONFIG.model_copy(update={"budget": 10, "n_start": 5, "compare_training": False})
    optimize(model, objective, known_molecules(prepared), tmp_path, config, 1)
    assert not (tmp_path / "front.csv").exists()
    assert "hypervolume" not in json.loads((tmp_path / "summary.json").read_text())
