import pandas as pd

from molvae.report.plate import plate_rows
from molvae.tables import PLATE


def test_a_run_without_a_plate_has_no_rows(tmp_path):
    assert plate_rows(tmp_path) == []


def test_a_molecule_is_shown_with_its_interval_and_its_neighbour(tmp_path):
    (tmp_path / "propose").mkdir()
    rows = [
        ("c1ccccc1O", 7.91, 7.2, 8.5, "c1ccccc1N", 7.4, "exploit: ..."),
        ("CCO", None, None, None, "", None, "explore: ..."),
    ]
    pd.DataFrame(rows, columns=PLATE.names).to_csv(tmp_path / "propose" / PLATE.file, index=False)
    first, second = plate_rows(tmp_path)
    assert first.predicted == "7.91 (7.20 to 8.50)"
    assert first.svg.startswith("<svg")
    assert first.nearest_svg.startswith("<svg")
    assert (second.predicted, second.nearest, second.nearest_svg, second.nearest_value) == ("–", "", "", "–")
