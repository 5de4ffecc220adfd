"""The benchmark of the search strategies."""

import json
import re
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from molvae.errors import DataError
from molvae.optimize.auc import auc_top
from molvae.optimize.objective import Objective, load_objective
from molvae.optimize.oracle import Oracle
from molvae.optimize.strategies import STRATEGIES

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def modules(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import optimize
    import optimize_plan
    import optimize_runs
    import optimize_table

    class Modules:
        script, plan, runs, table = optimize, optimize_plan, optimize_runs, optimize_table

    return Modules


@pytest.fixture
def shipped(monkeypatch, modules, model):
    """Let searches use the small model of the tests."""
    monkeypatch.setattr(modules.runs.molvae, "load", lambda name: model)


def record(task="median2", label="latent", seed=1, auc=0.5, budget=10_000, **changes):
    names = ("auc_top1", "auc_top10", "auc_top100")
    top10_at = {"1000": auc, "10000": auc}
    whole = {"label": label, "strategy": label, "task": task, "seed": seed, "settings": [], "budget": budget}
    whole |= {
        "versions": {"source": "abcdef0123"},
        "model": "zinc250k",
        "library": None,
        "finished": True,
        **dict.fromkeys(names, auc),
    }
    return {**whole, "top10_at": top10_at, "n_calls": budget, "wall_minutes": 2.0, "curve": [auc] * 3, **changes}


def write(folder, *records):
    for one in records:
        file = folder / one["label"] / one["task"] / f"seed-{one['seed']}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(one))


def test_the_plan_names_tasks_strategies_and_settings_that_there_are(modules):
    plan = modules.plan.Plan.read()
    assert len(plan.tasks) == 20
    assert len(plan.tuning) == 6
    runs = list(plan.runs())
    assert len({run.name for run in runs}) == len(runs)
    for run in runs:
        assert load_objective(run.task).name == run.task
        assert run.strategy in STRATEGIES
        assert run.config.strategy == run.strategy


def test_the_default_strategy_is_planned_on_every_task_and_three_times_on_those_for_tuning(modules):
    plan = modules.plan.Plan.read()
    whole = [run.task for run in plan.runs() if run.label == "latent" and run.budget == 10_000]
    assert Counter(whole) == {task: 3 if task in plan.tuning else 1 for task in plan.tasks}


def test_each_ablation_has_its_like_with_the_default_settings(modules):
    short = [run for run in modules.plan.Plan.read().runs() if run.budget != 10_000]
    whole = {(run.task, run.seed, run.budget) for run in short if run.label == "latent"}
    variants = [run for run in short if run.label != "latent"]
    assert len({run.label for run in variants}) >= 8
    assert {(run.task, run.seed, run.budget) for run in variants} == whole


def test_a_strategy_by_its_name_has_the_budget_of_the_first_searches_of_the_plan(modules):
    options = modules.script._parser().parse_args(["run", "--strategies", "latent", "--tasks", "qed"])
    (run,) = modules.script.chosen_runs(options)
    assert (run.label, run.budget, run.name) == ("latent", 10_000, "latent/qed/seed-1")
    options = modules.script._parser().parse_args(["run", "--strategies", "latent-twins", "--tasks", "qed"])
    (run,) = modules.script.chosen_runs(options)
    assert (run.budget, run.name) == (1000, "latent-twins-1000-calls/qed/seed-1")


def test_the_published_values_add_up_to_the_published_sums(modules):
    sums = {method: sum(values.values()) for method, values in modules.table.published().items()}
    published = {"InVirtuoGen": 13.914, "SynGBO": 13.849, "Tanimoto GP": 13.740, "Genetic GFN": 13.594, "NF-BO": 12.459}
    assert sums == pytest.approx(published, abs=0.003)


@pytest.mark.usefixtures("shipped")
def test_a_record_holds_what_the_calls_came_to(modules, tmp_path):
    run = modules.plan.Run("random", "random", "qed", 1, ("batch_size=50",), budget=230)
    made = modules.runs.execute(run, tmp_path)
    assert made == json.loads((tmp_path / "random-230-calls/qed/seed-1.json").read_text())
    assert (made["finished"], made["n_calls"], made["sessions"]) == (True, 230, 1)
    assert made["n_rounds"] >= 5
    assert len(made["curve"]) == 2
    assert made["curve"] == sorted(made["curve"])
    assert run.is_done(tmp_path)
    assert not modules.plan.Run("random", "random", "qed", 1, ("batch_size=10",), budget=230).is_done(tmp_path)
    folder = tmp_path / "random-230-calls" / "qed"
    assert list(folder.iterdir()) == [folder / "seed-1.json"]


@pytest.mark.usefixtures("shipped")
def test_a_search_that_stopped_at_its_time_limit_is_resumed_and_repeats_no_call(modules, tmp_path, monkeypatch):
    computed = []
    evaluate = Objective.evaluate_batch
    monkeypatch.setattr(
        Objective, "evaluate_batch", lambda self, batch: computed.extend(batch) or evaluate(self, batch)
    )
    # A second passes with each molecule that is computed.
    clock = SimpleNamespace(perf_counter=lambda: float(len(computed)), process_time=time.process_time)
    monkeypatch.setattr(modules.runs, "time", clock)
    run = modules.plan.Run("random", "random", "qed", 1, ("batch_size=50",), budget=250)
    stopped = modules.runs.execute(run, tmp_path, time_limit=60.0)
    assert (stopped["finished"], stopped["n_rounds"]) == (False, 2)
    assert 60 < stopped["n_calls"] == len(computed) < 250
    assert not run.is_done(tmp_path)
    resumed = modules.runs.execute(run, tmp_path)
    assert (resumed["finished"], resumed["n_calls"], resumed["sessions"]) == (True, 250, 2)
    assert len(computed) == len(set(computed)) == 250
    other = modules.runs.execute(run, tmp_path / "at_once")
    assert other["curve"] == resumed["curve"]


@pytest.mark.usefixtures("shipped")
def test_calls_of_other_settings_are_not_resumed(modules, tmp_path):
    first = modules.plan.Run("random", "random", "qed", 1, budget=250)
    modules.runs.execute(first, tmp_path, time_limit=0.0)
    second = modules.plan.Run("random", "random", "qed", 1, ("batch_size=10",), budget=250)
    assert modules.runs.execute(second, tmp_path)["sessions"] == 1


@pytest.mark.usefixtures("shipped")
def test_a_search_ends_early_only_when_the_ten_best_are_perfect(modules, tmp_path, monkeypatch):
    # The small model finds such molecules at once.
    easy = tmp_path / "easy.yaml"
    easy.write_text("name: easy\nterms:\n  - property: heavy_atoms\n    maximise: {low: 0, high: 1}\n")
    run = modules.plan.Run("random", "random", str(easy), 1, ("batch_size=20",), budget=1000)
    with Oracle(load_objective(str(easy)), 1000) as oracle:
        assert oracle.score([("CCO", "test")], 0)[0].score == 1.0
    monkeypatch.setattr(modules.plan.Run, "name", "random/easy/seed-1")
    made = modules.runs.execute(run, tmp_path)
    assert made["finished"]
    assert 10 <= made["n_calls"] < 50
    assert made["curve"] == [1.0] * 10
    assert made["auc_top10"] == pytest.approx(auc_top([1.0] * made["n_calls"], 10, 1000))


@pytest.mark.usefixtures("shipped")
def test_start_molecules_are_samples_and_with_a_library_half_of_them_are_from_it(modules, tmp_path, model):
    run = modules.plan.Run("latent", "latent", "qed", 1)
    known, start = modules.runs._molecules(model, run, 20)
    assert len(start) == len(set(start)) == 20
    assert start == known[:20]
    library = tmp_path / "library.smi"
    library.write_text("".join(f"{'C' * n} name\n" for n in range(41, 71)))
    run = modules.plan.Run("latent", "latent", "qed", 1, library=str(library))
    known, start = modules.runs._molecules(model, run, 20)
    assert len(known) == 30
    assert len(set(start) & set(known)) == 10


def test_the_table_sums_only_over_what_is_there_and_says_so(modules, tmp_path):
    plan = modules.plan.Plan.read()
    write(tmp_path, record("median2", auc=0.3), record("median2", seed=2, auc=0.4), record("qed", auc=0.9))
    write(tmp_path, record("median2", seed=3, finished=False), record("median1", label="random"))
    text = modules.table.tables(tmp_path, plan)
    (median2,) = re.findall(r"^\| median2 .*$", text, flags=re.MULTILINE)
    assert median2.startswith("| median2 | 0.350 | 0.350 |")
    assert "| 10,000 | 2.0 | 2 | 0.288 |" in median2
    assert re.search(r"^\| median1 \| - ", text, flags=re.MULTILINE)
    (total,) = re.findall(r"^\| \*\*sum.*$", text, flags=re.MULTILINE)
    assert total.startswith("| **sum of the 2 of 20 done** | 1.250 |")
    # The published sums are over the same tasks: .942 and .288.
    assert "| 1.230 |" in total


def test_what_a_stopped_search_reached_is_a_lower_bound(modules, tmp_path):
    stopped = record("median1", finished=False, auc=0.4, top10_at={"1000": 0.4}, n_calls=1500)
    write(tmp_path, record("qed", auc=0.9), stopped)
    text = modules.table.tables(tmp_path, modules.plan.Plan.read())
    assert "| median1 | ≥ 0.400 | ≥ 0.400 | ≥ 0.400 | 0.400 | - | 1,500 | 2.0 | 1 |" in text
    assert "| **sum of the 2 of 20 done** | ≥ 1.300 | ≥ 1.300 | ≥ 1.300 | 1.300 | - |  |  |  |" in text
    assert "| latent | 0.900 |" not in text


def test_variants_are_compared_with_the_default_on_the_same_tasks_and_seeds(modules, tmp_path):
    plan = modules.plan.Plan.read()
    write(tmp_path, record(auc=0.3), record("zaleplon_mpo", auc=0.5), record(seed=2, auc=0.9))
    write(tmp_path, record(label="no-x", auc=0.2), record("zaleplon_mpo", label="no-x", auc=0.5))
    (row,) = re.findall(r"^\| no-x .*$", modules.table.tables(tmp_path, plan), flags=re.MULTILINE)
    assert "| 0.700 (2 of 6) | -0.050 (n = 2) |" in row


def test_runs_of_another_budget_have_a_table_of_their_own(modules, tmp_path):
    write(tmp_path, record(auc=0.3), record(label="no-x", budget=3000))
    text = modules.table.tables(tmp_path, modules.plan.Plan.read())
    assert "10,000 calls:" in text
    assert "no-x" in text.split("3,000 calls:")[1]
    assert "no-x" not in text.split("3,000 calls:")[0]


def test_no_results_are_one_line(modules, tmp_path):
    with pytest.raises(DataError, match="expected records of finished searches, found none"):
        modules.table.tables(tmp_path, modules.plan.Plan.read())


def test_curves_are_drawn(modules, tmp_path):
    write(tmp_path, record(), record(label="random", auc=0.1), record("qed"), record("zaleplon_mpo", budget=1000))
    modules.table.save_chart(tmp_path, tmp_path / "curves.svg")
    drawn = (tmp_path / "curves.svg").read_text()
    assert "median2" in drawn
    assert "random" in drawn
    assert "zaleplon_mpo" not in drawn


def test_a_variant_has_to_have_a_label(modules, tmp_path, capsys):
    with pytest.raises(SystemExit):
        modules.script.main(["run", "--set", "latent.pool_size=10", "--out", str(tmp_path)])
    assert "expected --label NAME with --set" in capsys.readouterr().err


def test_a_wrong_setting_is_one_line_before_any_search(modules, tmp_path, capsys):
    command = ["run", "--strategies", "latent", "--label", "x", "--set", "latent.no_such=1", "--out", str(tmp_path)]
    assert modules.script.main(command) == 2
    assert "no_such" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_chosen_runs_keep_what_the_plan_sets_for_a_strategy(modules):
    options = modules.script._parser().parse_args(
        ["run", "--strategies", "evolution", "--tasks", "tuning", "qed", "--seeds", "3", "4"]
    )
    runs = modules.script.chosen_runs(options)
    assert len(runs) == 14
    assert {run.settings for run in runs} == {("n_start=100", "batch_size=20")}
    assert runs[0].seed == 3


def test_the_page_shows_the_tables_of_the_committed_results(modules):
    text = modules.table.tables(BENCHMARKS / "results" / "optimize", modules.plan.Plan.read())
    page = (BENCHMARKS.parent / "docs" / "optimize.md").read_text(encoding="utf-8")
    assert text in page, "run: python benchmarks/optimize.py table benchmarks/results/optimize --into docs/optimize.md"
