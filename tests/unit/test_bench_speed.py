"""The record of `make bench`, its comparison and its table, without the measuring."""

import json
import math
from pathlib import Path

import pytest

from molvae.errors import DataError
from molvae.files import read_json
from molvae.provenance import software

ROOT = Path(__file__).parents[2]
WHERE = {"processor": "a CPU", "device": "cpu", "n_cores": 2, "torch": "2.13.0"}


@pytest.fixture
def speed(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import speed_table

    return speed_table


@pytest.fixture
def rows(speed):
    return [
        speed.Row("training", 40_000.0, "tokens/s", "matrix product", 0.41),
        speed.Row("sampling", 4_000.0, "molecules/s", "MOSES VAE", 20.9),
        speed.Row("  MOSES VAE", 190.0, "molecules/s"),
    ]


def test_a_record_has_the_rows_and_what_they_depend_on(speed, rows, tmp_path):
    speed.save(rows, WHERE, tmp_path / "bench.json")
    record = read_json(tmp_path / "bench.json")
    assert record.items() >= {**WHERE, "software": software()}.items()
    assert record["rows"]["training"]["ratio"] == 0.41
    assert record["rows"]["MOSES VAE"]["ratio"] is None


def test_the_comparison_has_a_line_a_row_and_tells_what_is_only_in_one(speed, rows, tmp_path):
    files = [tmp_path / name for name in ("before.json", "now.json")]
    speed.save(rows, WHERE, files[0])
    faster = speed.Row("training", 60_000.0, "tokens/s", "matrix product", 0.5)
    speed.save([faster, speed.Row("new", 3.0, "molecules/s")], WHERE, files[1])
    before, now = map(read_json, files)
    saved, here, _, training, new, *others = speed.compared(now, before)
    assert saved.startswith("saved: a CPU, cpu, 2 threads")
    assert here.startswith("now: a CPU")
    assert training.split() == ["training", "41%", "50%", "40,000", "60,000", "1.50"]
    assert new.split() == ["new", "-", "3", "-"]
    assert sorted(others) == ["MOSES VAE: not measured now", "sampling: not measured now"]


def test_the_table_has_the_rows_with_a_limit(speed, rows, tmp_path):
    speed.save(rows, WHERE, tmp_path / "bench.json")
    lines = speed.markdown(read_json(tmp_path / "bench.json")).splitlines()
    assert lines[-2:] == [
        "| training | 40,000 tokens/s | 41% | matrix product |",
        "| sampling | 4,000 molecules/s | 20.9x | MOSES VAE |",
    ]


def test_the_readme_has_a_place_for_the_table(speed, tmp_path):
    page = tmp_path / "README.md"
    page.write_text(speed.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    speed.insert("| new |", page, speed.SCRIPT)
    assert "\n\n| new |\n\n" in page.read_text(encoding="utf-8")


def test_a_row_without_a_limit_is_printed_without_a_ratio(speed):
    assert speed.Row("peak", 90.0, "MiB").line().split() == ["peak", "90", "MiB"]
    assert speed.shown(math.nan) == ""


def test_what_was_not_measured_is_told_with_how_to_measure_it(speed, tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "LAST", tmp_path / "none.json")
    with pytest.raises(SystemExit, match=r"none\.json: expected .*`make bench` writes the first"):
        speed.main(["compare"])


def test_text_goes_between_the_markers_of_a_page(speed, tmp_path):
    page, (begin, end) = tmp_path / "page.md", (f"<!-- {edge} a.py table -->" for edge in ("begin", "end"))
    page.write_text(f"before\n\n{begin}\nold\n{end}\n\nafter\n")
    for _ in range(2):
        speed.insert("| new |", page, "a.py")
    assert page.read_text() == f"before\n\n{begin}\n\n| new |\n\n{end}\n\nafter\n"
    with pytest.raises(DataError, match="expected the lines"):
        speed.insert("| new |", page, "b.py")


def test_a_peer_that_fails_says_why(speed, tmp_path):
    import others

    script = tmp_path / "peer.py"
    script.write_text("raise SystemExit('no such package')")
    with pytest.raises(others.PeerError, match="found status 1: no such package"):
        others.run_other(str(script), [], 1, {})
    script.write_text(f"print({json.dumps(json.dumps({'total': 1}))})")
    assert others.run_other(str(script), [], 1, {}) == {"total": 1}
