"""What jobs ask of a scheduler: workflow/rules/resources.smk, which is plain Python, and the profiles of clusters."""

import re
import runpy
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.workflow.test_workflow import SMOKE, make_folder, planned, snakemake

WORKFLOW = Path(__file__).parents[2] / "workflow"
RESOURCES = runpy.run_path(str(WORKFLOW / "rules" / "resources.smk"))


def test_each_further_try_has_twice_the_memory_and_time():
    megabytes, minutes = RESOURCES["megabytes"](1000, 300), RESOURCES["minutes"](60)
    assert [megabytes(None, 4, attempt) for attempt in (1, 2, 3)] == [2200, 4400, 8800]
    assert [minutes(None, attempt) for attempt in (1, 2, 3)] == [60, 120, 240]


def test_one_process_is_started_without_torchrun():
    assert RESOURCES["launcher"](1, 1, 8) == ""


def test_several_processes_are_started_by_torchrun():
    assert RESOURCES["launcher"](4, 1, 8) == "torchrun --standalone --nproc-per-node 4 --no-python"


def test_the_example_of_the_slurm_profile_starts_a_task_on_each_node():
    lines = (WORKFLOW / "profiles" / "slurm" / "config.yaml").read_text().splitlines()
    example = [line.removeprefix("# ") for line in lines[lines.index("# set-resources:") :] if line.startswith("#")]
    train = yaml.safe_load("\n".join(example))["set-resources"]["train"]
    documented = re.search(r"train: (\{.*nodes.*\})", (WORKFLOW.parent / "docs" / "cluster.md").read_text())
    assert train == {"slurm_partition": "gpu", **yaml.safe_load(documented[1])}


def test_several_nodes_meet_at_the_first_one(tmp_path):
    for name in ("srun", "hostname"):
        (tmp_path / name).write_text('#!/bin/sh\n[ "${0##*/}" = srun ] && echo "$@" || echo node7\n')
        (tmp_path / name).chmod(0o755)
    run = subprocess.run(
        ["/bin/bash", "-c", f"{RESOURCES['launcher'](4, 2, 8)} molvae train"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_JOB_ID": "31234"},
        capture_output=True,
        text=True,
        check=True,
    )
    words = shlex.split(run.stdout)
    begin = words.index("torchrun")
    assert words[:begin] == ["--nodes", "2", "--ntasks", "2", "--ntasks-per-node", "1", "--cpus-per-task", "8"]
    options = dict(zip(words[begin + 1 : -3 : 2], words[begin + 2 : -3 : 2], strict=True))
    assert options["--nnodes"] == "2"
    assert options["--nproc-per-node"] == "4"
    assert options["--rdzv-endpoint"] == "node7:21234"
    assert words[-3:] == ["--no-python", "molvae", "train"]


@pytest.mark.slow
@pytest.mark.nightly
def test_a_number_of_processes_is_no_reason_to_train_again(tmp_path):
    folder = make_folder(tmp_path)
    arguments = ["--configfile", SMOKE, "--until", "train"]
    first = snakemake(folder, *arguments, "--set-resources", "train:processes=2", "--printshellcmds")
    assert first.returncode == 0, first.stderr
    assert "torchrun --standalone --nproc-per-node 2 --no-python molvae train" in first.stdout + first.stderr
    again = snakemake(folder, *arguments, "--dry-run")
    assert planned(again) == {}


@pytest.mark.parametrize("profile", sorted(WORKFLOW.glob("profiles/*/config.yaml")), ids=lambda file: file.parent.name)
def test_a_profile_names_rules_that_there_are(profile):
    content = yaml.safe_load(profile.read_text())
    text = "".join(file.read_text() for file in WORKFLOW.glob("rules/*.smk"))
    rules = set(re.findall(r"^rule (\w+):", text, flags=re.MULTILINE))
    assert {*content.get("groups", {}), *content.get("set-resources", {})} <= rules
