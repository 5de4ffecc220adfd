"""Several processes that train one model, as people start them."""

import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest
import torch
import yaml

from molvae.train import train


@pytest.fixture(scope="module")
def config(small_train_config):
    # Batches large enough for two shards, and a checkpoint at every step.
    return small_train_config.model_copy(update={"epochs": 3, "batch_size": 128, "checkpoint_every_s": 1e-9})


@pytest.fixture
def start_two(prepared, config, tmp_path):
    """Start two processes that train into a folder."""
    settings = tmp_path / "settings.yaml"
    settings.write_text(yaml.safe_dump({"seed": 1, "device": "cpu", "train": config.model_dump(mode="json")}))

    def start(out):
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        verb = ["-m", "molvae", "train", str(prepared), "--out", str(out), "--config", str(settings), "--threads", "2"]
        return subprocess.Popen([*torchrun, *verb], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    return start


def kill(process):
    """End a process and its children as the kernel does, without a word."""
    for member in [*psutil.Process(process.pid).children(recursive=True), process]:
        member.kill()
    process.wait(timeout=60)
    process.stdout.close()


@pytest.mark.slow
def test_two_processes_train_as_one_also_when_killed_half_way(start_two, prepared, config, tmp_path, monkeypatch):
    # Two threads of one process, and two processes of one thread each, have the same rows, and the sum of two gradients
    # is the same in either order.
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    train(prepared, tmp_path / "one", config, seed=1, device="cpu")
    killed = start_two(tmp_path / "two")
    deadline = time.monotonic() + 400
    while not (tmp_path / "two" / "resume" / "checkpoint.bin").exists():
        assert killed.poll() is None, killed.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    kill(killed)
    assert not (tmp_path / "two" / "history.csv").exists()
    second = start_two(tmp_path / "two")
    said, _ = second.communicate()
    assert second.returncode == 0, said
    assert said.count("resuming from the checkpoint") == 1
    assert "processes: 2" in said
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["history.csv", "model"]
    one, two = (pd.read_csv(tmp_path / folder / "history.csv").drop(columns="seconds") for folder in ("one", "two"))
    pd.testing.assert_frame_equal(one, two, check_exact=True)
