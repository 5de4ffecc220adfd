"""The smoke run on a real SLURM, with the faults of a night on a cluster; `.ci/slurm` starts one on this machine."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest
import yaml

ROOT = Path(__file__).parents[2]
# Checkpoints come soon, and there is time to cancel before the training ends.
STUDY = {"train": {"epochs": 12, "checkpoint_every_s": 0.5}}
TRAINED = "results/smoke/train/model/model.safetensors"
RESUMED = "results/smoke/train/resume/checkpoint.bin"


Snakemake = subprocess.Popen[bytes]


def has_slurm() -> bool:
    return (
        shutil.which("sinfo") is not None
        and subprocess.run(["sinfo"], capture_output=True, check=False).returncode == 0
    )


pytestmark = [
    pytest.mark.slurm,
    pytest.mark.slow,
    pytest.mark.skipif(not has_slurm(), reason="needs SLURM; .ci/slurm starts one"),
]


@dataclass(frozen=True)
class Outcome:
    """How a Snakemake run ended.

    Attributes:
        status: Its exit status.
        said: What it wrote to stderr.
        log: The log of its training.
    """

    status: int
    said: str
    log: str


def run(folder: Path, *arguments: str, meanwhile: Callable[[Snakemake], None]) -> Outcome:
    """Run the workflow on the cluster, and do something to it meanwhile."""
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"),
        *("--workflow-profile", ROOT / "workflow" / "profiles" / "slurm"),
        *("--configfile", ROOT / "workflow" / "config" / "smoke.yaml", "study.yaml"),
        # For a cluster of one small machine, where jobs are short and accounting is off.
        *("--max-threads", "1", "--latency-wait", "5", "--slurm-status-command", "squeue"),
        *("--slurm-init-seconds-before-status-checks", "3"),
        *arguments,
    ]
    with (folder / "stderr.txt").open("w") as file:
        process = subprocess.Popen(list(map(str, command)), cwd=folder, stdout=file, stderr=file)
    try:
        meanwhile(process)
        status = process.wait()
    finally:
        said = (folder / "stderr.txt").read_text()
        print(said)
    return Outcome(status, said, (folder / "results/smoke/logs/train.log").read_text())


def wait_for(condition: Callable[[], object], snakemake: Snakemake) -> None:
    while not condition():
        assert snakemake.poll() is None, "the run has ended already"
        time.sleep(0.05)


def kill_job(rule: str, folder: Path, snakemake: Snakemake) -> None:
    """Kill the process of a job, as a machine that fails does."""

    def processes() -> list[psutil.Process]:
        command = ("molvae", rule)
        return [
            process
            for process in psutil.process_iter(["cmdline", "cwd"])
            if process.info["cwd"] == str(folder)
            and any(
                (Path(first).name, second) == command
                for first, second in zip(process.info["cmdline"], process.info["cmdline"][1:], strict=False)
            )
            and Path(process.info["cmdline"][0]).name.startswith("python")
        ]

    wait_for(processes, snakemake)
    for process in processes():
        process.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("slurm")
    (folder / "data").symlink_to(ROOT / "data")
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY))
    return folder


@pytest.fixture(scope="module")
def cancelled(folder) -> Outcome:
    """A run whose training, by two processes, is cancelled."""

    def cancel(snakemake: Snakemake) -> None:
        wait_for((folder / RESUMED).exists, snakemake)
        jobs = subprocess.run(["squeue", "-h", "-o", "%i"], capture_output=True, text=True, check=True).stdout.split()
        subprocess.run(["scancel", *jobs], check=True)

    arguments = ["--until", "train", "--retries", "0", "--set-resources", "train:processes=2"]
    outcome = run(folder, *arguments, meanwhile=cancel)
    assert (folder / RESUMED).exists()
    return outcome


@pytest.fixture(scope="module")
def finished(folder, cancelled) -> Outcome:
    """The same again and up to the report, with a job that is killed and one that is over its memory at first."""
    over_memory = "evaluate:mem_mb=250 * 10 ** (attempt - 1)"
    return run(folder, "--set-resources", over_memory, meanwhile=partial(kill_job, "sample", folder))


def test_a_training_that_is_cancelled_ends_the_run(cancelled):
    assert cancelled.status == 1
    assert "molvae: stopped" in cancelled.said


def test_torchrun_starts_the_training(cancelled):
    assert "torchrun --standalone --nproc-per-node 2 --no-python molvae train" in cancelled.said


def test_the_next_run_goes_on_from_the_checkpoint(finished):
    assert "resuming from the checkpoint: epoch" in finished.log


@pytest.mark.parametrize("rule", ["sample", "evaluate"])
def test_a_job_that_is_killed_or_over_its_memory_is_tried_again(finished, rule):
    assert f"Error in rule {rule}" in finished.said
    assert "Trying to restart job" in finished.said


def test_slurm_has_stopped_the_job_over_its_memory(folder, finished):
    logs = (folder / ".snakemake/slurm_logs/rule_evaluate").rglob("*.log")
    assert any("exceeded memory limit" in file.read_text() for file in logs)


def test_the_run_ends_with_its_report(folder, finished):
    assert finished.status == 0
    assert (folder / "results/smoke/report.html").stat().st_size > 0
    assert not (folder / RESUMED).exists()


def test_a_set_of_molecules_and_its_scores_are_one_job(finished):
    assert finished.said.count("Group job ") >= 2
