import gzip
from pathlib import Path

import pytest

from molvae.config import RunConfig, load_config, parse_config
from molvae.estimate import (
    STAGES,
    MeasuredRun,
    Workload,
    announcement,
    measured_run,
    n_input_molecules,
)
from molvae.files import write_json

ROOT = Path(__file__).parents[2]
DEMO = Workload.of(RunConfig(), 50_000)
MEASURED = MeasuredRun(2, DEMO, dict.fromkeys(STAGES, 105.0), total_s=600.0)


def test_the_same_run_is_estimated_to_take_the_same_time():
    assert {MEASURED.seconds(stage, DEMO, 2) for stage in STAGES} == {105.0}


@pytest.mark.parametrize(
    ("section", "key", "value", "stages"),
    [
        ("train", "epochs", 20, {"train"}),
        ("sample", "n", 20_000, {"sample", "score_sample"}),
        ("optimize", "budget", 4000, {"optimize", "optimize_baseline"}),
        ("evaluate", "n_samples", 17_000, {"evaluate"}),
        ("report", "title", "Another", set()),
    ],
)
def test_more_work_takes_a_stage_longer(section, key, value, stages):
    more = Workload.of(parse_config({section: {key: value}}, "test"), 50_000)
    assert {stage for stage in STAGES if MEASURED.seconds(stage, more, 2) > 105.0} == stages


def test_time_grows_with_molecules_and_falls_with_cores_down_to_the_start_of_a_process():
    assert MEASURED.seconds("prepare", Workload.of(RunConfig(), 500_000), 2) == pytest.approx(1005.0)
    assert MEASURED.seconds("prepare", DEMO, 4) == pytest.approx(55.0)
    assert MEASURED.seconds("prepare", DEMO, 64) == MEASURED.seconds("prepare", DEMO, 8) > 5.0
    assert MEASURED.seconds("report", DEMO, 4) == 105.0
    # A step of 128 molecules is distributed over two cores, and one of 256 over four.
    assert MEASURED.seconds("train", DEMO, 8) == 105.0
    larger_steps = Workload.of(parse_config({"train": {"batch_size": 256}}, "test"), 50_000)
    assert MEASURED.seconds("train", larger_steps, 8) == pytest.approx(55.0)
    assert MEASURED.seconds("prepare", Workload.of(RunConfig(), 0), 2) == 5.0


def test_a_larger_network_trains_longer_and_replay_adds_molecules():
    larger = Workload.of(parse_config({"train": {"decoder_hidden": 640}}, "test"), 50_000)
    assert larger.training > 2 * DEMO.training
    start = {"init_from": "moses", "epochs": 1}
    half = Workload.of(parse_config({"train": {**start, "replay": 0.5}}, "test"), 50_000)
    assert half.training == 2 * Workload.of(parse_config({"train": {**start, "replay": 0.0}}, "test"), 50_000).training


def test_the_measured_run_is_the_one_that_trains_in_the_same_way(tmp_path):
    workload = {"n_molecules": 1, "training": 1, "training_cores": 1, "n_evaluated": 1, "n_samples": 1, "budget": 1}
    content = {"n_cores": 2, "workload": workload, "stages": {}, "total": {"wall_s": 1}}
    write_json(tmp_path / "t.json", {"demo": content, "quick": {**content, "n_cores": 4}})
    tuned = parse_config({"train": {"init_from": "moses"}}, "test")
    assert measured_run(tmp_path / "t.json", RunConfig()).n_cores == 2
    assert measured_run(tmp_path / "t.json", tuned).n_cores == 4
    write_json(tmp_path / "t.json", {"demo": content})
    assert measured_run(tmp_path / "t.json", tuned) is None
    assert measured_run(tmp_path / "none.json", tuned) is None


def test_the_committed_times_are_complete():
    measured = measured_run(ROOT / "benchmarks" / "demo.json", load_config(ROOT / "workflow/config/demo.yaml"))
    assert set(measured.wall_s) == set(STAGES)
    assert max(measured.wall_s.values()) < measured.total_s


def test_input_molecules_are_counted_by_line_until_they_are_prepared(tmp_path):
    (tmp_path / "a.smi").write_text("C\nCC\n")
    (tmp_path / "b.smi.gz").write_bytes(gzip.compress(b"CCC\n"))
    files = [str(tmp_path / name) for name in ("a.smi", "b.smi.gz")]
    settings = parse_config({"prepare": {"input": files[:1], "test_input": files[1]}}, "test")
    assert n_input_molecules(settings, files) == 3
    write_json(tmp_path / "summary.json", {"read": 7})
    assert n_input_molecules(settings, files, tmp_path) == 7


def test_molecules_that_cannot_be_counted_quickly_are_not(tmp_path):
    (tmp_path / "a.sdf").write_text("\n\n\n")
    (tmp_path / "cut.smi.gz").write_bytes(gzip.compress(b"CCC\n" * 100)[:-9])
    own = [[str(tmp_path / name)] for name in ("a.sdf", "cut.smi.gz")]
    for names, files in (own[0], own[0]), (own[1], own[1]), (["moses"], []):
        settings = parse_config({"prepare": {"input": names}}, "test")
        assert n_input_molecules(settings, files) is None


def test_the_announcement_names_the_jobs_in_order_and_says_that_times_are_estimates():
    jobs = [("report", ""), ("optimize", "qed"), ("optimize", "logp"), ("train", "")]
    text = announcement(RunConfig(), jobs, 50_000, MEASURED, 2)
    lines = text.splitlines()
    assert lines[0] == "molvae: run demo on 50,000 molecules; results go to results/demo/. To do:"
    assert [line.split()[0] for line in lines[1:5]] == ["train", "optimize", "optimize", "report"]
    assert "search for logp, 2,000 oracle calls" in lines[2]
    assert all(line.endswith("  about 2 min") for line in lines[1:5])
    # The whole took 600 s where the nine stages apart took 945 s.
    assert "about 4 min in all" in lines[5]
    assert "estimates for 2 cores, scaled from a run on 2" in lines[5]
    assert max(map(len, lines[:5])) <= 110


def test_further_seeds_are_announced_and_take_as_long_as_the_first():
    jobs = [("optimize", "qed"), ("report", "")]
    seeds = [("optimize_seed", "qed"), ("optimize_seed", "qed"), ("propose", "")]
    lines = announcement(RunConfig(), [*jobs, *seeds], 50_000, MEASURED, 2).splitlines()
    assert [line.split()[0] for line in lines[1:6]] == ["optimize"] * 3 + ["propose", "report"]
    assert [line.endswith("  about 2 min") for line in lines[1:6]] == [True, True, True, False, True]
    assert "search for qed with a further seed" in lines[2]
    assert "choose the 96 molecules of the next plate" in lines[4]
    # Four jobs of 105 s, where the nine stages apart took 945 s and the whole took 600 s.
    assert "about 4 min in all" in lines[6]
    assert "about 2 min in all" in announcement(RunConfig(), jobs, 50_000, MEASURED, 2)


@pytest.mark.parametrize(("n_molecules", "measured"), [(None, MEASURED), (50_000, None)])
def test_no_time_is_given_without_a_basis(n_molecules, measured):
    text = announcement(RunConfig(), [("train", "")], n_molecules, measured, 2)
    assert "about" not in text
    assert "train a new model, 10 epochs" in text


def test_a_fine_tuning_is_announced_as_one():
    settings = parse_config({"train": {"init_from": "moses", "epochs": 1}}, "test")
    assert "fine-tune moses, 1 epoch, and" in announcement(settings, [("train", "")], None, None, 1)
