"""What `molvae watch` reads from a run folder."""

import contextlib
import os
import pty
import subprocess
import sys
import time

import pytest
import yaml

from molvae.errors import DataError
from molvae.folders import LOCK
from molvae.watching import is_over, read_jobs, run_folder


@pytest.fixture
def run(tmp_path):
    """Return the folder of a run that has prepared, trains and searches, and has the report before it."""
    folder = tmp_path / "demo"
    for name in ("logs", "config", "benchmarks"):
        (folder / name).mkdir(parents=True)
    for stage in ("prepare", "train", "optimize", "report"):
        (folder / "config" / f"{stage}.yaml").write_text("")
    write_log(folder, "prepare", ["06:40:10 prepare: kept 50 of 50 rows"], age_s=600)
    finish(folder, "prepare", 34.2)
    return folder


def write_log(folder, name, lines, age_s=0.0):
    log = folder / "logs" / f"{name}.log"
    log.write_text("".join(f"{line}\n" for line in lines))
    changed = time.time() - age_s
    os.utime(log, (changed, changed))


def finish(folder, name, seconds):
    (folder / "benchmarks" / f"{name}.tsv").write_text(f"s\th:m:s\n{seconds}\t0:00:34\n")


def job(folder, name):
    return next(job for job in read_jobs(folder) if job.name == name)


def test_a_job_is_done_when_its_time_is_taken_and_what_has_no_log_is_yet_to_come(run):
    assert [(one.name, one.state, one.seconds) for one in read_jobs(run)] == [
        ("prepare", "done", 34.2),
        ("train", "waiting", None),
        ("optimize", "waiting", None),
        ("report", "waiting", None),
    ]


def test_a_job_that_runs_again_is_not_done_though_its_earlier_time_is_there(run):
    write_log(run, "prepare", ["06:50:10 begins again"])
    before = time.time() - 60.0
    os.utime(run / "benchmarks" / "prepare.tsv", (before, before))
    assert job(run, "prepare").state == "running"


def test_the_progress_of_training_is_carried_on_to_now_and_the_last_epoch_shown(run):
    lines = [
        "06:40:20 training 1553884 parameters",
        "06:40:50 train: 300 of 1000, 10/s, 70 s left",
        "06:41:00 epoch 1 of 8: reconstruction 15.63 nats, KL 87.3, 233 s left",
    ]
    write_log(run, "train", lines, age_s=5.0)
    training = job(run, "train")
    # Ten seconds until the last line, and five since then.
    assert training.progress.done == pytest.approx(300 + 15 * 10, abs=15)
    assert training.progress.left_s == pytest.approx(70 - 15, abs=1.5)
    assert training.detail == "epoch 1 of 8: reconstruction 15.63 nats, KL 87.3"


def test_the_progress_of_work_that_has_ended_is_not_shown(run):
    lines = ["06:40:50 train: 990 of 1000, 10/s, 1 s left", "06:41:00 fitting priors"]
    write_log(run, "train", lines)
    assert (job(run, "train").progress, job(run, "train").detail) == (None, "fitting priors")


def test_slow_work_and_a_line_that_is_only_begun_are_read(run):
    log = run / "logs" / "train.log"
    log.write_text("23:59:50 train: 3 of 10, 0/s, 700 s left\n00:00:10 train: 4 of 10, 0/s, inf s le")
    assert job(run, "train").progress.total == 10
    assert 3 <= job(run, "train").progress.done < 4


def test_a_search_shows_the_mean_of_its_ten_best_feasible_molecules(run):
    write_log(run, "optimize_logp_baseline", ["06:40:50 optimise logp: 12 of 100, 10/s, 9 s left"])
    folder = run / "optimize" / "logp_baseline" / "resume"
    folder.mkdir(parents=True)
    rows = [f"0,start,C{'C' * i},{i / 10},{i != 9},ok" for i in range(12)]
    (folder / "calls.csv").write_text("\n".join(["round,origin,smiles,score,feasible,status", *rows, "0,start,CC,3"]))
    expected = sum(i / 10 for i in range(12) if i not in (0, 9)) / 10
    assert job(run, "optimize_logp_baseline").best == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("baseline_logp", "logp/baseline"),
        ("logp_seed-3", "logp/seed-3"),
        ("logp", "logp"),
        ("baseline_own", "baseline_own"),
        ("a_seed-bank", "a_seed-bank"),
        ("a_seed-bank_seed-3", "a_seed-bank/seed-3"),
    ],
)
def test_the_calls_of_each_search_are_found(run, name, place):
    write_log(run, f"optimize_{name}", ["06:40:50 starts"])
    folder = run / "optimize" / place / "resume"
    folder.mkdir(parents=True)
    (folder / "calls.csv").write_text("round,origin,smiles,score,feasible,status\n0,start,CC,0.25,True,ok\n")
    assert job(run, f"optimize_{name}").best == 0.25


def test_a_job_that_failed_says_why_and_one_that_is_silent_for_long_says_so(run):
    write_log(run, "train", ["06:40:50 starts", "molvae: error: train.epochs: expected 1"])
    write_log(run, "optimize_logp", ["06:40:50 starts"], age_s=1200)
    assert (job(run, "train").state, job(run, "train").detail) == ("failed", "train.epochs: expected 1")
    assert job(run, "optimize_logp").detail == "silent for 20 min; starts"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("train", "train"),
        ("optimize_logp_seed-3", "optimize/logp/seed-3"),
        ("score_sample", "score/sample"),
        ("report", ""),
    ],
)
def test_a_job_whose_process_was_killed_has_failed(run, name, place):
    write_log(run, name, ["06:40:50 starts"], age_s=90)
    held = "from molvae.folders import output_folder; from pathlib import Path; import sys, time\n"
    held += "with output_folder(Path(sys.argv[1])): print(flush=True); time.sleep(60)"
    command = [sys.executable, "-c", held, str(run / place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert job(run, name).state == "running"
        process.kill()
    assert job(run, name).state == "failed"
    assert job(run, name).detail == "ended without a word, as if it was killed or out of memory; starts"
    write_log(run, name, ["06:40:50 starts"])
    assert job(run, name).state == "running"
    # Of another machine nothing is known.
    write_log(run, name, ["06:40:50 starts"], age_s=90)
    (run / place / LOCK).write_text("process 1 on another machine")
    assert job(run, name).state == "running"


@pytest.mark.parametrize(("age_s", "locks", "state"), [(600, 0, "failed"), (600, 1, "running"), (10, 0, "running")])
def test_a_silent_job_has_failed_where_no_workflow_is_at_work(tmp_path, age_s, locks, state):
    folder = tmp_path / "results" / "demo"
    (folder / "logs").mkdir(parents=True)
    write_log(folder, "sample", ["06:40:50 starts"], age_s=age_s)
    (tmp_path / ".snakemake" / "locks").mkdir(parents=True)
    for number in range(locks):
        (tmp_path / ".snakemake" / "locks" / f"{number}.output.lock").touch()
    assert job(folder, "sample").state == state


def test_what_a_run_with_other_settings_has_left_is_not_of_this_one(tmp_path):
    folder = tmp_path / "results" / "demo"
    for name in ("logs", "config", "benchmarks"):
        (folder / name).mkdir(parents=True)
    (tmp_path / "mine.yaml").write_text("name: own")
    for stage in ("optimize", "propose"):
        (folder / "config" / f"{stage}.yaml").write_text("")
    settings = {"optimize": {"objectives": ["mine.yaml", "qed"], "seeds": [3]}}
    (folder / "config" / "report.yaml").write_text(yaml.safe_dump(settings))
    wanted = ["optimize_baseline_own", "optimize_own", "optimize_qed_seed-3", "score_own", "score_sample", "report"]
    for name in wanted:
        write_log(folder, name, ["06:40:50 done"])
        finish(folder, name, 1.0)
    for name in ("optimize_logp", "optimize_qed_seed-4", "score_logp", "propose"):
        write_log(folder, name, ["molvae: error: no room"])
    jobs = read_jobs(folder)
    assert [one.name for one in jobs] == wanted
    assert is_over(jobs)


def test_a_run_is_over_when_all_is_done_or_nothing_goes_on_after_a_failure(run):
    assert not is_over(read_jobs(run))
    write_log(run, "train", ["molvae: error: no room"])
    assert is_over(read_jobs(run))
    write_log(run, "optimize_logp", ["06:40:50 starts"])
    assert not is_over(read_jobs(run))
    for name in ("train", "optimize_logp", "report"):
        write_log(run, name, ["06:40:50 done"])
        finish(run, name, 1.0)
    assert is_over(read_jobs(run))


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(DataError, match=r"expected the folder of a run that has begun"):
        read_jobs(tmp_path)


def test_the_only_run_of_a_project_is_found(run, tmp_path):
    project = tmp_path / "project"
    assert run_folder(project) == project
    (project / "results").mkdir(parents=True)
    run.rename(project / "results" / "demo")
    assert run_folder(project) == project / "results" / "demo"
    assert run_folder(project / "results" / "demo") == project / "results" / "demo"
    (project / "results" / "other" / "logs").mkdir(parents=True)
    with pytest.raises(DataError, match=r"found several; give one of .*results/demo, .*results/other"):
        run_folder(project)


def watch(folder, **streams):
    return subprocess.Popen([sys.executable, "-m", "molvae", "watch", str(folder)], **streams)


def test_without_a_terminal_the_run_is_shown_once(run):
    write_log(run, "train", ["06:40:50 train: 300 of 1000, 10/s, 70 s left"])
    shown = watch(run, stdout=subprocess.PIPE, text=True)
    text, _ = shown.communicate(timeout=60)
    assert shown.returncode == 0
    rows = [line.split()[:2] for line in text.splitlines()]
    assert ["prepare", "done"] in rows
    assert ["train", "running"] in rows


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_on_a_terminal_it_goes_on_until_the_run_fails(run):
    write_log(run, "train", ["06:40:50 starts"])
    main_end, terminal = pty.openpty()
    with watch(run, stdout=terminal, stderr=subprocess.PIPE, text=True) as shown:
        os.close(terminal)
        text = os.read(main_end, 1)
        assert shown.poll() is None
        write_log(run, "train", ["06:40:50 starts", "molvae: error: no room left"])
        # On Linux, the end of what is read from a terminal that nobody holds is an error.
        with contextlib.suppress(OSError):
            while more := os.read(main_end, 65536):
                text += more
        os.close(main_end)
        assert "train failed" in shown.stderr.read()
    assert shown.returncode == 1
    assert b"no room left" in text
