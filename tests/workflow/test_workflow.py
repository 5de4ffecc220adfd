"""The workflow as people run it: `snakemake` in a folder that holds `data/` and `workflow/`."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

import molvae
from molvae.config import load_config
from molvae.errors import DataError

ROOT = Path(__file__).parents[2]
SMOKE = "workflow/config/smoke.yaml"


def make_folder(folder: Path) -> Path:
    """Make a place to work in that has the repository's inputs and none of its results."""
    (folder / "workflow").symlink_to(ROOT / "workflow")
    (folder / "data").mkdir()
    for file in (ROOT / "data").glob("*.gz"):
        (folder / "data" / file.name).symlink_to(file)
    return folder


def snakemake(folder: Path, *arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    command = [python, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def planned(run: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """Read from a dry run how often each rule would run."""
    assert run.returncode == 0, run.stdout + run.stderr
    table = (run.stdout + run.stderr).split("Job stats:")[1].split("total")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}


def write_config(folder: Path, content: dict[str, object]) -> str:
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    return "study.yaml"


@pytest.fixture
def fresh(tmp_path) -> Path:
    return make_folder(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("smoke"))
    run = snakemake(folder, "--configfile", SMOKE)
    assert run.returncode == 0, run.stdout + run.stderr
    (folder / "stderr.txt").write_text(run.stderr)
    return folder


def test_the_benchmark_of_searches_is_a_job_a_search(fresh):
    plan = yaml.safe_load((ROOT / "benchmarks" / "optimize.yaml").read_text())
    n_tasks = {name: len(plan[name]) for name in ("tasks", "tuning", "ablation")}
    n_tasks["others"] = n_tasks["tasks"] - n_tasks["tuning"]
    n_searches = sum(n_tasks[name] * len(search["seeds"]) for search in plan["searches"] for name in search["tasks"])
    jobs = planned(snakemake(fresh, "-n", "benchmark_optimize"))
    assert jobs == {"benchmark_search": n_searches, "benchmark_optimize": 1}


@pytest.mark.nightly
def test_the_pareto_preset_ends_in_a_report_that_shows_the_front(fresh):
    content = yaml.safe_load((ROOT / "workflow" / "config" / "pareto.yaml").read_text())
    content["train"] |= {"epochs": 1, "prior_samples": 100}
    content["optimize"] |= {"budget": 80, "n_start": 20}
    content["evaluate"] = {"n_reconstruct": 20, "n_samples": 50, "n_latent": 20, "n_map": 50}
    content["sample"], content["score"] = {"n": 100}, {"n_reference": 200}
    run = snakemake(fresh, "--configfile", write_config(fresh, content))
    assert run.returncode == 0, run.stdout + run.stderr
    results = fresh / "results" / "pareto"
    summary = json.loads((results / "optimize/zolpidem_tradeoff/summary.json").read_text())
    front = pd.read_csv(results / "optimize/zolpidem_tradeoff/front.csv")
    assert summary["hypervolume"] > 0.0
    assert front["knee"].sum() == 1
    assert 'id="figure-front_zolpidem_tradeoff"' in (results / "report.html").read_text()


@pytest.mark.slow
def test_the_smoke_run_goes_from_raw_molecules_to_the_report(finished):
    results = finished / "results" / "smoke"
    for name in [
        "prepare/molecules.parquet",
        "train/model/model.safetensors",
        "evaluate/metrics.json",
        "sample/samples.csv",
        "sample/summary.json",
        "optimize/qed/candidates.sdf",
        "optimize/qed/baseline/summary.json",
        "score/sample/metrics.json",
        "score/qed/molecules.csv",
        "report.html",
        "provenance.json",
    ]:
        assert (results / name).stat().st_size > 0, name
    assert not list(results.rglob("*.partial*"))
    assert not list(results.rglob("resume"))


@pytest.mark.slow
def test_the_smoke_run_says_what_it_does_and_ends_with_the_answer(finished):
    said = (finished / "stderr.txt").read_text()
    assert "molvae: run smoke on 2,000 molecules; results go to results/smoke/" in said
    assert "search for qed, 150 oracle calls" in said
    best = pd.read_csv(finished / "results/smoke/optimize/qed/candidates.csv").iloc[0]
    assert f"{best['score']:.3f}  {best['smiles']}" in said
    assert "molvae: done; open results/smoke/report.html in a browser" in said


@pytest.mark.slow
def test_a_second_run_does_nothing(finished):
    run = snakemake(finished, "--configfile", SMOKE)
    assert run.returncode == 0
    assert "Nothing to be done" in run.stdout + run.stderr
    assert "molvae:" not in run.stderr


@pytest.mark.slow
def test_a_run_up_to_a_stage_announces_no_more_and_names_no_results_of_later_ones(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "run", symlinks=True)
    study = write_config(folder, {"prepare": {"max_heavy_atoms": 50}})
    run = snakemake(folder, "--configfile", SMOKE, study, "--until", "prepare")
    assert run.returncode == 0, run.stderr
    assert "standardise, filter" in run.stderr
    assert "epochs" not in run.stderr
    assert "candidates" not in run.stderr
    assert "report.html" not in run.stderr
    assert "molvae: done; results are in results/smoke/" in run.stderr


@pytest.mark.slow
def test_a_module_that_cannot_be_imported_ends_the_run_before_its_first_job(fresh):
    (fresh / "assay.py").write_text("def score(smiles):\n    return [1.0] * len(smiles)\n\nopen('no.model')\n")
    (fresh / "mine.yaml").write_text("name: mine\nterms: [{python: 'assay:score', name: activity}]\n")
    run = snakemake(fresh, "--configfile", SMOKE, write_config(fresh, {"optimize": {"objectives": ["mine.yaml"]}}))
    assert run.returncode == 2
    last = run.stderr.splitlines()[-1]
    assert last.startswith("molvae: error: objective mine, term activity: python: expected a module assay that can be")
    assert "found: assay.py line 4: FileNotFoundError" in last
    assert "Traceback" not in run.stderr
    assert not (fresh / "results").exists()


@pytest.mark.slow
def test_a_changed_objective_repeats_only_its_search(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "run", symlinks=True)
    objective = {"name": "qed", "terms": [{"property": "qed", "maximise": {"low": 0.0, "high": 1.0}}]}
    (folder / "mine.yaml").write_text(yaml.safe_dump(objective))
    arguments = ["--configfile", SMOKE, write_config(folder, {"optimize": {"objectives": ["mine.yaml"]}})]
    # As if the results had come from this file.
    assert snakemake(folder, *arguments, "--touch").returncode == 0
    run = snakemake(folder, *arguments, "--dry-run")
    assert "Nothing to be done" in run.stdout + run.stderr
    (folder / "mine.yaml").write_text(yaml.safe_dump(objective).replace("1.0", "0.9"))
    rules = planned(snakemake(folder, *arguments, "--dry-run"))
    assert rules == {"optimize": 1, "optimize_baseline": 1, "score": 1, "report": 1, "all": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "key", "value", "rules"),
    [
        ("train", "learning_rate", 1.0e-3, {"train", "evaluate", "sample", "optimize", "optimize_baseline", "score"}),
        ("evaluate", "n_map", 100, {"evaluate"}),
        ("sample", "n", 600, {"sample", "score"}),
        ("optimize", "budget", 160, {"optimize", "optimize_baseline", "score"}),
        ("score", "n_reference", 400, {"score"}),
        ("report", "title", "Another", set()),
    ],
)
def test_a_changed_setting_reruns_its_stage_and_what_follows(finished, section, key, value, rules):
    study = write_config(finished, {section: {key: value}})
    run = snakemake(finished, "--dry-run", "--configfile", SMOKE, study)
    assert set(planned(run)) == rules | {"settings", "report", "all"}
    # Nothing is done, and nothing claims to be.
    assert "molvae:" not in run.stderr


@pytest.mark.slow
def test_a_further_objective_repeats_nothing(finished):
    study = write_config(finished, {"optimize": {"objectives": ["qed", "workflow/config/objectives/demo.yaml"]}})
    run = snakemake(finished, "--dry-run", "--configfile", SMOKE, study)
    assert planned(run) == {
        "settings": 1,
        "optimize": 1,
        "optimize_baseline": 1,
        "score": 1,
        "report": 1,
        "all": 1,
    }


@pytest.mark.slow
def test_each_stage_is_handed_its_own_section_only(finished):
    settings = load_config(finished / SMOKE)
    for stage in ["prepare", "train", "evaluate", "sample", "optimize", "score"]:
        content = yaml.safe_load((finished / f"results/smoke/config/{stage}.yaml").read_text())
        assert set(content) == {"run", "seed", "device", stage}
        assert content[stage].items() <= settings.model_dump(mode="json")[stage].items()
    assert load_config(finished / "results/smoke/config/report.yaml") == settings


@pytest.mark.slow
def test_a_run_becomes_a_model_that_ships(finished, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "data")
    import make_model

    monkeypatch.setattr(make_model, "MODELS", tmp_path)
    monkeypatch.setattr(make_model, "N_SAMPLES", 200)
    monkeypatch.setattr(sys, "argv", ["", str(finished / "results/smoke"), "--name", "tiny", "--trained-on", "a test"])
    make_model.main()
    model = molvae.load(tmp_path / "tiny", "cpu")
    assert len(model.sample(3, seed=1)) == 3
    card = (tmp_path / "tiny" / "README.md").read_text()
    assert "molvae.load('tiny')" in card
    assert "on a test; " in card
    measured = json.loads((finished / "results/smoke/shipped/evaluate/metrics.json").read_text())
    reconstruction = measured["exact_reconstruction"]
    assert f"higher | {reconstruction['value']:.4g} | {reconstruction['n']:,} |" in card
    monkeypatch.setattr(make_model, "MAX_BYTES", 1000)
    with pytest.raises(DataError, match="expected at most 1,000 bytes"):
        make_model.main()
    assert (tmp_path / "tiny" / "README.md").read_text() == card


@pytest.mark.slow
def test_snakemake_makes_its_own_report(finished):
    run = snakemake(finished, "--configfile", SMOKE, "--report", "snakemake.html")
    assert run.returncode == 0, run.stderr
    page = (finished / "snakemake.html").read_text()
    for stage in ["train", "evaluate", "optimize", "report"]:
        assert f'"{stage}"' in page


@pytest.mark.parametrize("file", sorted((ROOT / "workflow/config").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_config_can_be_planned_once_its_inputs_are_there(fresh, file):
    settings = load_config(file)
    prepare, model = settings.prepare, settings.train.init_from
    models = [f"{model}/config.json"] if model else []
    for name in [*prepare.input, *([prepare.test_input] if prepare.test_input else []), *models]:
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        (fresh / name).touch()
    rules = planned(snakemake(fresh, "--dry-run", "--configfile", f"workflow/config/{file.name}"))
    assert rules["train"] == rules["report"] == 1
    searches = [rules.get("optimize", 0), rules.get("optimize_baseline", 0), rules["score"] - 1]
    assert searches == [len(load_config(file).optimize.objectives)] * 3


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (
            {"train": {"epoch": 3}},
            2,
            "train.epoch: expected a known setting, found an unknown one; did you mean epochs?",
        ),
        ({"sample": {"n": 0}}, 2, "sample.n: expected greater than or equal to 1, found 0"),
        ({"prepare": {"input": ["mine.smi"]}}, 1, "prepare.input[0]: expected a file at mine.smi, found none"),
        ({"prepare": {"test_input": "mine.csv"}}, 1, "prepare.test_input: expected a file at mine.csv, found none"),
        ({"optimize": {"objectives": ["mine.yaml"]}}, 1, "optimize.objectives[0]: expected a file at mine.yaml"),
        ({"optimize": {"objectives": ["osimertinib"]}}, 2, "osimertinib_mpo"),
    ],
)
def test_a_mistake_ends_in_one_line_before_any_job(fresh, content, status, said):
    run = snakemake(fresh, "--configfile", SMOKE, write_config(fresh, content))
    assert run.returncode == status
    [line] = run.stderr.splitlines()
    assert line.startswith("molvae: error: ")
    assert said in line
    assert not (fresh / "results").exists()


@pytest.mark.parametrize("name", ["a b'c[d];e", '"$(touch hit)" {run}&#'])
def test_the_path_of_the_folder_may_hold_any_sign(tmp_path, name):
    odd = tmp_path / name
    odd.mkdir()
    # As in a checkout, where `molvae` is found beside the Python of an environment in the same folder.
    (odd / ".venv").symlink_to(sys.prefix)
    folder = make_folder(odd)
    run = snakemake(
        folder, "--configfile", SMOKE, "--until", "prepare", python=str(odd / ".venv/bin" / Path(sys.executable).name)
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert (folder / "results/smoke/prepare/summary.json").exists()
    assert not list(tmp_path.rglob("hit"))


def test_a_run_that_was_killed_without_a_word_says_how_to_go_on(fresh):
    arguments = ["--configfile", SMOKE, "--until", "prepare"]
    killed = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2", *arguments],
        cwd=fresh,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not (fresh / "results/smoke/prepare/resume").exists():
        assert killed.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    refused = snakemake(fresh, *arguments)
    assert refused.returncode == 1
    assert "--unlock" in refused.stderr
    assert snakemake(fresh, *arguments, "--unlock").returncode == 0
    run = snakemake(fresh, *arguments, "--rerun-incomplete")
    assert run.returncode == 0, run.stdout + run.stderr
    assert not (fresh / "results/smoke/prepare/resume").exists()


def test_make_finds_a_place_for_caches_where_the_home_folder_cannot_be_written(tmp_path):
    (tmp_path / "home").touch()
    environment = {key: value for key, value in os.environ.items() if key != "XDG_CACHE_HOME"}
    command = ["make", "-C", str(ROOT), "--dry-run", "--print-data-base", "help"]
    for home, is_set in ((tmp_path / "home", True), (tmp_path, False)):
        run = subprocess.run(
            command, env={**environment, "HOME": str(home)}, capture_output=True, text=True, timeout=60, check=True
        )
        assert (f"XDG_CACHE_HOME := {ROOT}/.snakemake/cache" in run.stdout) == is_set


def test_a_failing_stage_shows_its_one_line_and_leaves_no_output(fresh):
    (fresh / "bad.smi").write_text("this is\nnot a list\nof molecules\n")
    study = write_config(fresh, {"prepare": {"input": ["bad.smi"]}})
    run = snakemake(fresh, "--configfile", SMOKE, study)
    assert run.returncode == 1
    assert "molvae: error: " in run.stdout + run.stderr
    assert "run it once with --unlock and then with --rerun-incomplete" in run.stderr
    assert "molvae: error: " in (fresh / "results/smoke/logs/prepare.log").read_text()
    assert not list((fresh / "results/smoke/prepare").glob("*"))


def test_preparation_is_scattered_over_shards_with_the_same_outcome(fresh):
    outputs = {}
    for shards in (1, 3):
        study = write_config(fresh, {"run": f"of{shards}", "prepare": {"shards": shards}})
        run = snakemake(fresh, "--configfile", SMOKE, study, "--until", "prepare")
        assert run.returncode == 0, run.stdout + run.stderr
        folder = fresh / f"results/of{shards}/prepare"
        outputs[shards] = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert not list((fresh / f"results/of{shards}").glob("shards/*"))
    assert outputs[1] == outputs[3]
    assert set(outputs[1]) == {"molecules.parquet", "rejected.csv", "summary.json", "vocabulary.json"}


def test_a_public_library_need_not_be_there_when_a_run_is_planned(fresh):
    rules = planned(snakemake(fresh, "--dry-run", "--configfile", "workflow/config/moses.yaml"))
    assert rules["prepare"] == 1


@pytest.mark.nightly
def test_what_is_measured_is_learned_and_searched_for(fresh):
    """The preset `learned`, made small."""
    content = yaml.safe_load((ROOT / "workflow/config/learned.yaml").read_text())
    content["train"] |= {"epochs": 1, "prior_samples": 50}
    content["evaluate"] = {"n_reconstruct": 20, "n_samples": 50, "n_latent": 20, "n_map": 50}
    content["sample"], content["score"] = {"n": 100}, {"n_reference": 100}
    content["optimize"] |= {"budget": 80, "batch_size": 20, "n_start": 20, "baseline": False}
    for file in (ROOT / "data").glob("series_*.csv"):
        (fresh / "data" / file.name).symlink_to(file)
    run = snakemake(fresh, "--configfile", write_config(fresh, content))
    assert run.returncode == 0, run.stdout + run.stderr
    results = fresh / "results" / "learned"
    assert "Learned: pAct" in (results / "report.html").read_text()
    candidates = pd.read_csv(results / "optimize" / "potent_sulfonamide" / "candidates.csv")
    assert candidates["in_domain.pAct"].all()
    assert (candidates["low.pAct"] < candidates["term.pAct"]).all()
