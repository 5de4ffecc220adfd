import os
import signal
import time

import pytest

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
    found = map_within(act, ["a", "hang", "b", "crash", "c", "hang"], 0.3)
    assert found == ["did a", Outcome.TOO_SLOW, "did b", Outcome.CRASHED, "did c", Outcome.TOO_SLOW]
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


def test_an_interrupt_is_no_fault_of_an_item():
    def interrupted(item):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        map_within(interrupted, ["a"], 10.0)
