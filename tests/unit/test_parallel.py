import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from molvae.errors import DataError
from molvae.parallel import (
    CHUNK_SIZE,
    MIN_FOR_A_POOL,
    available_cpus,
    chunks_of,
    cpus_to_use,
    map_chunks,
    map_tasks,
    processes_for,
    shared_processes,
)

# Something that a fresh process can import.
backwards = partial(sorted, reverse=True)


class Deadly:
    """Ends the process that receives it."""

    def __reduce__(self):
        return os._exit, (1,)


def first_and_number(smiles):
    return smiles[0], len(smiles)


@pytest.mark.parametrize("n_items", [0, 1, CHUNK_SIZE, 2 * CHUNK_SIZE + 1])
def test_chunks_hold_all_in_order(n_items):
    chunks = list(chunks_of(iter(range(n_items))))
    assert [item for chunk in chunks for item in chunk] == list(range(n_items))
    assert all(len(chunk) == CHUNK_SIZE for chunk in chunks[:-1])
    assert all(0 < len(chunk) <= CHUNK_SIZE for chunk in chunks)


def test_results_do_not_depend_on_the_number_of_processes():
    items = [str(number) for number in range(MIN_FOR_A_POOL + 7)]
    assert list(map_chunks(first_and_number, items, 2)) == list(map_chunks(first_and_number, items, 1))


def test_each_task_comes_with_its_result_in_order():
    tasks = [[n, n + 1] for n in range(50)]
    one, two = (list(map_tasks(backwards, tasks, n_jobs)) for n_jobs in (1, 2))
    assert one == two == [([n, n + 1], [n + 1, n]) for n in range(50)]


def test_no_molecules_give_no_results():
    assert list(map_chunks(first_and_number, [], 2)) == []


def test_the_stream_is_read_only_a_little_ahead():
    read = 0

    def stream():
        nonlocal read
        for item in range(100):
            read += 1
            yield [item]

    results = map_tasks(backwards, stream(), 2)
    next(results)
    assert read <= 10
    results.close()


def test_a_killed_process_is_one_clear_error():
    with pytest.raises(DataError, match="found one killed"):
        list(map_tasks(len, [Deadly(), Deadly()], 2))


def process_ids(_):
    return os.getpid()


def test_calls_in_a_block_share_their_processes():
    tasks = list(range(8))
    with shared_processes():
        first, second = ({pid for _, pid in map_tasks(process_ids, tasks, 2)} for _ in range(2))
        # Nested blocks end nothing.
        with shared_processes():
            third = {pid for _, pid in map_tasks(process_ids, tasks, 2)}
        fourth = {pid for _, pid in map_tasks(process_ids, tasks, 2)}
    assert len(first | second | third | fourth) <= 2
    assert not {pid for _, pid in map_tasks(process_ids, tasks, 2)} & first


def test_after_a_killed_process_the_block_has_new_ones():
    with shared_processes():
        with pytest.raises(DataError, match="found one killed"):
            list(map_tasks(len, [Deadly(), Deadly()], 2))
        assert list(map_tasks(len, [[1]], 2)) == [([1], 1)]


def test_an_abandoned_call_leaves_the_processes_to_the_next_one():
    with shared_processes():
        results = map_tasks(backwards, [[n] for n in range(50)], 2)
        next(results)
        results.close()
        assert list(map_tasks(backwards, [[1, 2]], 2)) == [([1, 2], [2, 1])]


def test_worker_processes_leave_an_interrupt_to_the_one_that_started_them():
    [(_, handler)] = map_tasks(signal.getsignal, [signal.SIGINT], 2)
    assert handler is signal.SIG_IGN


ENDLESS = """
import ctypes, os, sys, time
from molvae.parallel import map_tasks

def endless(task):
    open(f"{sys.argv[1]}/begun{os.getpid()}", "w").close()
    # What ctypes calls so, as RDKit, leaves no other thread of Python a turn.
    (ctypes.PyDLL(None) if sys.argv[2] == "compute" else time).sleep(3600)

if __name__ == "__main__":
    list(map_tasks(endless, range(4), 2))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
@pytest.mark.parametrize("task", ["sleep", "compute"])
def test_worker_processes_end_with_the_one_that_started_them(tmp_path, task):
    (tmp_path / "endless.py").write_text(ENDLESS)
    with subprocess.Popen([sys.executable, str(tmp_path / "endless.py"), str(tmp_path), task]) as process:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.glob("begun*"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        workers = children(process.pid)
        process.kill()
    # Two workers, and the process that watches their resources.
    assert len(workers) == 3
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def children(pid):
    """Return the workers, and the process that Python starts with them to watch its resources."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_few_molecules_start_no_processes():
    assert processes_for(MIN_FOR_A_POOL - 1, 8) == 1
    assert processes_for(MIN_FOR_A_POOL, 8) == 8


def test_few_molecules_use_the_processes_that_run_already():
    with shared_processes():
        assert processes_for(1, 2) == 1
        list(map_tasks(process_ids, [0], 2))
        assert [processes_for(1, n_jobs) for n_jobs in (1, 2, 3)] == [1, 2, 1]
    assert processes_for(1, 2) == 1


def test_the_cpus_are_those_this_process_may_use():
    assert 1 <= available_cpus() <= (os.cpu_count() or 1)
    assert cpus_to_use(None) == cpus_to_use(100_000) == available_cpus()
    assert cpus_to_use(1) == 1
