"""The benchmark of growth, without the stages."""

import math
from pathlib import Path

import pytest


@pytest.fixture
def scale(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    import scale

    return scale


def test_the_exponent_is_the_power_of_the_number_of_molecules(scale):
    assert scale.exponent({n: 7.0 * n**1.5 for n in (10, 30, 100, 1000)}) == pytest.approx(1.5)
    assert scale.exponent({10: 5.0, 100: 5.0}) == pytest.approx(0.0)
    assert str(scale.exponent({10: 5.0})) == "nan"


def test_the_table_is_in_the_order_of_the_sizes(scale):
    sizes = {"1000": {"wall_s": 20.0, "peak_mb": 600.0}, "100": {"wall_s": 2.0, "peak_mb": 300.0}}
    head, _, row = scale.lines({"prepare": sizes})
    assert head.startswith("| stage | s, MB at 100 | s, MB at 1,000 | exponent of time | of memory |")
    assert row == "| prepare | 2, 300 | 20, 600 | 1.00 | 0.30 | 231 |"
    assert list(scale.lines({"train": {"100": {"wall_s": 2.0, "peak_mb": 300.0}}}))[2] == "| train | 2, 300 |  |  |  |"


def test_a_billion_molecules_cost_what_the_last_ones_did_each(scale):
    days = scale.days_of_a_billion({10: 50.0, 100: 60.0, 300: 100.0})
    assert days == pytest.approx((100.0 + (1e9 - 300) * 0.2) / 86_400)
    assert scale.days_of_a_billion({100: 60.0, 300: 55.0}) == 55.0 / 86_400
    assert math.isnan(scale.days_of_a_billion({100: 60.0}))


def test_the_table_goes_into_a_page(scale, tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "TABLE", tmp_path / "scale.json")
    monkeypatch.setattr(scale, "measure", lambda *_: {"wall_s": 1.0, "peak_mb": 100.0})
    page = tmp_path / "page.md"
    page.write_text("<!-- begin benchmarks/scale.py table -->\n<!-- end benchmarks/scale.py table -->\nafter\n")
    monkeypatch.setattr("sys.argv", ["scale.py", "10", "20", "--work", str(tmp_path), "--into", str(page)])
    scale.main()
    assert "| propose | 1, 100 | 1, 100 | 0.00 |" in page.read_text()
    assert page.read_text().endswith("after\n")


def test_what_was_measured_is_not_measured_again(scale, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scale, "TABLE", tmp_path / "scale.json")
    runs = []

    def measure(stage, n, folder):
        runs.append((stage, n))
        return {"wall_s": n / 10, "peak_mb": 100.0}

    monkeypatch.setattr(scale, "measure", measure)
    monkeypatch.setattr("sys.argv", ["scale.py", "20", "10", "--work", str(tmp_path)])
    scale.main()
    monkeypatch.setattr("sys.argv", ["scale.py", "10", "30", "--work", str(tmp_path)])
    scale.main()
    assert runs == [(stage, n) for n in (10, 20, 30) for stage in scale.STAGES]
    assert "exponent" in capsys.readouterr().out


def test_what_an_interrupted_measurement_left_is_not_gone_on_with(scale, tmp_path, monkeypatch):
    for left in ("left.csv", "cache"):
        (tmp_path / left / "resume").mkdir(parents=True)
    (tmp_path / "molecules.smi").write_text("CCO\n")
    monkeypatch.setitem(scale.STAGES, "score", ["objective", "qed", "molecules.smi", "--out", "left.csv"])
    assert scale.measure("score", 10, tmp_path)["wall_s"] > 0
    assert (tmp_path / "left.csv").is_file()
    assert not (tmp_path / "cache").exists()
