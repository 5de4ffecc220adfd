"""A search that is killed again and again, and goes on with another number of processes."""

import os
import random
import signal
import sys
import time

import pandas as pd
import pytest

from molvae.optimize import evaluator
from molvae.optimize.objective import Objective
from molvae.optimize.oracle import Oracle
from molvae.optimize.spec import ObjectiveSpec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks")

SCRIPT = """while read smiles; do
  echo "$smiles" >> calls
  sleep 0.005
  echo "0.${#smiles}"
done
"""
BUDGET = 150


def search(folder, smiles, n_jobs, out):
    """Score molecules in rounds of 40 whose content depends on the scores so far, as a strategy's does."""
    evaluator.SECONDS_FOR_A_POOL = 0.0
    spec = ObjectiveSpec.model_validate({"name": "slow", "terms": [{"command": "sh score.sh"}]})
    left = list(smiles)
    with Oracle(Objective(spec, folder), BUDGET, folder / out, n_jobs) as oracle:
        number = 0
        while oracle.remaining:
            batch, left = left[:40], left[40:]
            asked = [(molecule, f"arm{number % 2}") for molecule in batch]
            assert oracle.recall(asked, number) == []
            evaluations = oracle.score(asked, number)
            left.sort(key=lambda molecule: (len(molecule) * evaluations[0].score) % 1)
            number += 1
        oracle.trace().to_parquet(folder / f"{out}.parquet")


def start(*arguments):
    process = os.fork()
    if process == 0:
        # Whatever happens, nothing of pytest goes on in the copy.
        status = 1
        try:
            search(*arguments)
            status = 0
        finally:
            os._exit(status)
    return process


def n_lines(file):
    return file.read_text().count("\n") if file.exists() else 0


def recorded(folder):
    file = folder / "killed" / "calls.csv"
    return [] if n_lines(file) < 2 else pd.read_csv(file, on_bad_lines="skip", dtype=str)["smiles"].dropna().tolist()


def test_ten_kills_repeat_and_lose_no_recorded_call(smiles, tmp_path):
    (tmp_path / "score.sh").write_text(SCRIPT)
    rng = random.Random(1)
    calls = tmp_path / "calls"
    for kill in range(10):
        begin = n_lines(calls)
        known = recorded(tmp_path)
        process = start(tmp_path, smiles, 2 if kill % 5 == 4 else 1, "killed")
        # At a random number of further calls, the first ones and the last ones too.
        target = begin + rng.randrange(1, 30)
        end = time.monotonic() + 20
        while n_lines(calls) < target and os.waitpid(process, os.WNOHANG) == (0, 0) and time.monotonic() < end:
            time.sleep(0.005)
        try:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        except (ProcessLookupError, ChildProcessError):
            break
        # Its worker processes and their programs end with it.
        time.sleep(0.2)
        assert not set(calls.read_text().split()[begin:]) & set(known)
        assert recorded(tmp_path)[: len(known)] == known
    assert os.waitpid(start(tmp_path, smiles, 1, "killed"), 0)[1] == 0
    assert os.waitpid(start(tmp_path, smiles, 1, "whole"), 0)[1] == 0
    assert (tmp_path / "killed.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert len(pd.read_parquet(tmp_path / "killed.parquet")) == BUDGET
