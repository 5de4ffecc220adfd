"""The benchmark of the whole workflow, without the workflow."""

from pathlib import Path

import pytest

from molvae.estimate import STAGES, MeasuredRun


@pytest.fixture
def demo(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    import demo

    return demo


def test_cpu_seconds_are_those_of_a_job_s_shell_and_its_processes(demo):
    job = "set -e; molvae train a --out b 2>&1 | tee -i results/demo/logs/train.log\n0m0.5s 0m0.25s\n2m3.000s 0m1.25s\n"
    other = "echo hello\n9m0.0s 0m0.0s\n0m0.0s 0m0.0s\n"
    assert demo.cpu_times([job, other]) == {"train": 125.0}


@pytest.mark.parametrize(
    ("job", "stage"),
    [
        ("train", "train"),
        ("score_sample", "score_sample"),
        ("score_zolpidem_follow_up", "score_candidates"),
        ("optimize_zolpidem_follow_up", "optimize"),
        ("optimize_baseline_zolpidem_follow_up", "optimize_baseline"),
    ],
)
def test_jobs_belong_to_stages(demo, job, stage):
    assert demo.stage_of(job) == stage


def test_a_record_holds_medians_and_is_what_the_estimates_read(demo):
    stages = (*STAGES, "total")
    runs = [
        demo.TimedRun({stage: {"wall_s": wall_s, "cpu_s": 2 * wall_s} for stage in stages}, 55_000)
        for wall_s in (30.0, 10.0, 11.0)
    ]
    record = demo.record("demo", runs, 2)
    assert record["stages"]["train"] == {"wall_s": 11.0, "cpu_s": 22.0}
    measured = MeasuredRun.from_json(record)
    assert measured.seconds("train", measured.workload, 2) == 11.0
    assert measured.total_s == 11.0


def test_times_are_compared_with_the_saved_ones_where_there_are_any(demo):
    table = demo.lines({"train": {"wall_s": 50.0, "cpu_s": 90.0}}, {"train": {"wall_s": 100.0}})
    assert [line.split() for line in table][1] == ["train", "50.0", "0.50", "90.0", "-"]
