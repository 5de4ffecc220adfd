import os
import signal
import threading
import time

import pytest

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.molecules import parse
from molvae.chem.selfies_codec import smiles_to_selfies
from molvae.chem.timeout import Outcome, map_within


def act(item):
    if item == "hang":
        # As a library that holds the interpreter does: no Python code runs meanwhile.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        time.sleep(60)
    if item == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "fail":
        raise ValueError("an error of the function's own")
    return f"did {item}"


def test_results_come_in_order():
    assert map_within(act, ["a", "b", "c"], 5.0) == ["did a", "did b", "did c"]
    assert map_within(act, [], 5.0) == []


def test_what_hangs_or_crashes_is_given_up_and_the_others_are_done():
    begin = time.monotonic()
    results = map_within(act, ["a", "hang", "b", "crash", "c", "hang"], 0.3)
    assert results == ["did a", Outcome.TOO_SLOW, "did b", Outcome.CRASHED, "did c", Outcome.TOO_SLOW]
    assert time.monotonic() - begin < 10


def test_an_error_of_the_function_is_the_callers():
    with pytest.raises(ValueError, match="of the function's own"):
        map_within(act, ["a", "fail"], 5.0)


def test_the_limit_is_for_an_item_not_for_all():
    assert map_within(time.sleep, [0.1] * 6, 0.4) == [None] * 6


def test_a_crash_that_does_not_come_again_costs_nothing(tmp_path):
    def crash_once(item):
        if item == "b" and not (tmp_path / "crashed").exists():
            (tmp_path / "crashed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    assert map_within(crash_once, ["a", "b", "c"], 5.0) == ["a", "b", "c"]


def test_a_process_that_is_suspended_for_a_while_costs_no_item(tmp_path):
    """As by a scheduler, or by Ctrl-Z."""

    def suspended_once(item):
        if item == "b" and not (tmp_path / "suspended").exists():
            (tmp_path / "suspended").touch()
            child = os.getpid()
            if os.fork() == 0:
                time.sleep(0.6)
                os.kill(child, signal.SIGCONT)
                os._exit(0)
            os.kill(child, signal.SIGSTOP)
        return item

    assert map_within(suspended_once, ["a", "b", "c"], 0.3) == ["a", "b", "c"]


def test_what_is_slow_is_tried_once(tmp_path):
    def work(item):
        with (tmp_path / "tried").open("a") as file:
            file.write(item)
        while item == "b":
            pass

    assert map_within(work, ["a", "b", "c"], 0.3) == [None, Outcome.TOO_SLOW, None]
    assert (tmp_path / "tried").read_text().count("b") == 1


def test_an_interrupt_is_no_fault_of_an_item():
    def interrupted(item):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        map_within(interrupted, ["a"], 10.0)


def describe(text):
    """Do what prepare and score do in the child: RDKit, with models that load at first use, and selfies."""
    mol = parse(text)
    return smiles_to_selfies(text), [PROPERTIES[name].compute(mol) for name in PROPERTIES]


@pytest.fixture
def busy_torch():
    """Keep torch at work in this process, in two threads of Python and two of its own for each."""
    import torch

    n_threads, done = torch.get_num_threads(), threading.Event()

    def multiply():
        matrix = torch.randn(192, 192)
        while not done.is_set():
            torch.tanh(matrix @ matrix)

    torch.set_num_threads(2)
    workers = [threading.Thread(target=multiply) for _ in range(2)]
    for worker in workers:
        worker.start()
    yield
    done.set()
    for worker in workers:
        worker.join()
    torch.set_num_threads(n_threads)


@pytest.mark.usefixtures("busy_torch")
def test_it_works_while_torch_has_threads_at_work(smiles):
    molecules = smiles[:12]
    expected = list(map(describe, molecules))
    for _ in range(5):
        assert map_within(describe, molecules, 20.0) == expected


def test_a_child_that_waits_for_a_lock_that_its_parent_holds_is_given_up_in_time():
    lock = threading.Lock()

    def wait(item):
        return lock.acquire() if item == "locked" else item

    with lock:
        assert map_within(wait, ["a", "locked", "b"], 0.3) == ["a", Outcome.TOO_SLOW, "b"]
