import io
import logging

import pytest

from molvae import log


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(log.time, "monotonic", lambda: now[0])
    return now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_says_how_far_and_how_fast(clock, caplog):
    with caplog.at_level(logging.INFO, logger="molvae"), log.progress("reading", 100) as advance:
        for _ in range(3):
            clock[0] += 24.0
            advance(24)
    # One line in a minute: at 72 s, when 72 were done.
    assert [record.getMessage() for record in caplog.records] == ["reading: 72 of 100, 1/s, 28 s left"]


def test_a_terminal_has_a_bar_and_no_lines(monkeypatch, clock, caplog):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with caplog.at_level(logging.INFO, logger="molvae"), log.progress("reading", 2) as advance:
        clock[0] += 60.0
        advance(2)
    assert "reading" in terminal.getvalue()
    assert caplog.records == []


def test_nothing_done_yet_divides_by_nothing(clock, caplog):
    with caplog.at_level(logging.INFO, logger="molvae"), log.progress("reading", 5) as advance:
        clock[0] += 80.0
        advance(0)
    assert [record.getMessage() for record in caplog.records] == ["reading: 0 of 5, 0/s, inf s left"]


def test_what_was_done_before_does_not_count_as_speed(clock, caplog):
    with caplog.at_level(logging.INFO, logger="molvae"), log.progress("reading", 100, done=60) as advance:
        clock[0] += 80.0
        advance(20)
    assert [record.getMessage() for record in caplog.records] == ["reading: 80 of 100, 0/s, 80 s left"]


@pytest.mark.parametrize(
    ("seconds", "said"), [(1, "5 s"), (34, "35 s"), (89, "90 s"), (150, "2 min"), (710, "12 min"), (7200, "2 h")]
)
def test_durations_are_rough(seconds, said):
    assert log.duration(seconds) == said
