"""Evaluation by the workers of a dask scheduler."""

import os
import signal
import threading
import time
from concurrent.futures import CancelledError

import pytest

from molvae.errors import DataError, ObjectiveError
from molvae.optimize import dask_evaluator
from molvae.optimize.objective import Objective, load_objective
from molvae.optimize.oracle import Oracle
from molvae.optimize.spec import ObjectiveSpec

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")

SOURCE = """import os, time

def score(smiles):
    time.sleep(0.05 * len(smiles))
    if 'CF' in smiles:
        os._exit(3)
    with open({calls!r}, "a") as file:
        file.write("".join(f"{{os.getpid()}} {{text}}\\n" for text in smiles))
    return [len(text) / 1000 for text in smiles]
"""


@pytest.fixture(scope="module")
def cluster():
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None) as cluster,
    ):
        yield cluster


@pytest.fixture
def own(tmp_path):
    """Return a slow function as an objective."""
    (tmp_path / "slow_there.py").write_text(SOURCE.format(calls=str(tmp_path / "calls")))
    return Objective(ObjectiveSpec.model_validate({"name": "own", "terms": [{"python": "slow_there:score"}]}), tmp_path)


def proposals(smiles):
    return [(molecule, "start") for molecule in smiles]


def test_a_worker_that_is_killed_half_way_loses_no_call(cluster, own, smiles, tmp_path):
    calls = tmp_path / "calls"

    killed = []

    def kill_a_worker():
        deadline = time.monotonic() + 200
        while not calls.exists() or calls.read_text().count("\n") < 20:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        killed.append(int(calls.read_text().split()[0]))
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_a_worker, daemon=True)
    killer.start()
    with Oracle(own, 60, tmp_path / "resume", scheduler=cluster.scheduler_address) as oracle:
        for number in range(2):
            oracle.score(proposals(smiles[40 * number : 40 * number + 40]), number)
    killer.join()
    assert killed
    with Oracle(own, 60) as alone:
        for number in range(2):
            alone.score(proposals(smiles[40 * number : 40 * number + 40]), number)
    assert oracle.trace().equals(alone.trace())
    assert len({line.split()[0] for line in calls.read_text().splitlines()[:40]}) >= 2
    # And once more, from the record alone: no worker is asked.
    with Oracle(own, 60, tmp_path / "resume", scheduler="tcp://127.0.0.1:1") as again:
        for number in range(2):
            again.score(proposals(smiles[40 * number : 40 * number + 40]), number)
    assert again.trace().equals(alone.trace())


def test_a_molecule_that_kills_its_workers_fails_alone(cluster, own):
    with Oracle(own, 10, scheduler=cluster.scheduler_address) as oracle:
        evaluations = oracle.score(proposals(["C", "CC", "CF", "CCC"]), 0)
    assert [one.status for one in evaluations] == ["ok", "ok", "failed", "ok"]
    assert evaluations[2].error == "each worker that scored it died"


def test_a_worker_that_has_loaded_an_older_source_loads_the_new_one(cluster, own, tmp_path):
    with Oracle(own, 10, scheduler=cluster.scheduler_address) as oracle:
        assert oracle.score(proposals(["CCC"]), 0)[0].score == 0.003
    module = tmp_path / "slow_there.py"
    module.write_text(module.read_text().replace("/ 1000", "/ 100.0"))
    with Oracle(own, 10, scheduler=cluster.scheduler_address) as oracle:
        assert oracle.score(proposals(["CCC"]), 0)[0].score == 0.03


def test_a_module_that_cannot_be_imported_ends_the_search(cluster, tmp_path):
    (tmp_path / "broken_there.py").write_text("import no_such_module_at_all\n\ndef score(smiles):\n    return []\n")
    spec = ObjectiveSpec.model_validate({"name": "own", "terms": [{"python": "broken_there:score"}]})
    with (
        Oracle(Objective(spec, tmp_path), 10, scheduler=cluster.scheduler_address) as oracle,
        pytest.raises(ObjectiveError, match=r"found: broken_there\.py line 1: ModuleNotFoundError"),
    ):
        oracle.score(proposals(["C", "CC"]), 0)


@pytest.mark.parametrize("error", [CancelledError, distributed.comm.CommClosedError])
def test_what_was_under_way_when_the_connection_was_lost_is_sent_again(cluster, own, smiles, monkeypatch, error):
    n_results = 0
    result = distributed.Future.result

    def lose_once(self, timeout=None):
        nonlocal n_results
        n_results += 1
        if n_results == 3:
            raise error
        return result(self, timeout)

    monkeypatch.setattr(distributed.Future, "result", lose_once)
    with Oracle(own, 30, scheduler=cluster.scheduler_address) as oracle:
        evaluations = oracle.score(proposals(smiles[:30]), 0)
    assert [one.status for one in evaluations] == ["ok"] * 30


def test_a_worker_of_another_version_ends_the_search(cluster, own, smiles, monkeypatch):
    monkeypatch.setattr(dask_evaluator, "software", lambda: {"molvae": "0.0.1", "source": "0"})
    with (
        Oracle(own, 10, scheduler=cluster.scheduler_address) as oracle,
        pytest.raises(ObjectiveError, match=r"expected the same versions on all machines .*'molvae': '0\.0\.1'"),
    ):
        oracle.score(proposals(smiles[:2]), 0)


def test_a_scheduler_that_is_not_there_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(dask_evaluator, "_SECONDS_TO_CONNECT", 0.5)
    with (
        Oracle(load_objective("qed"), 10, scheduler="tcp://127.0.0.1:1") as oracle,
        pytest.raises(
            DataError, match=r"optimize\.scheduler: expected a dask scheduler at tcp://127\.0\.0\.1:1, found"
        ),
    ):
        oracle.score(proposals(["C"]), 0)
