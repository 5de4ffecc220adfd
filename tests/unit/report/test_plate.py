from dataclasses import replace

import pandas as pd
import pytest
import yaml

from molvae.config import RunConfig
from molvae.provenance import settings_of
from molvae.report.plate import plate_rows, plate_sections
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


@pytest.mark.parametrize(("propose", "n"), [({}, 0), ({"pool": "pool.smi"}, 1)])
def test_a_plate_of_an_earlier_run_is_not_shown(own_folder, run, propose, n):
    (own_folder / "propose").mkdir()
    rows = [("CCO", 7.9, 7.2, 8.5, "CCN", 7.4, "exploit: ...")]
    pd.DataFrame(rows, columns=PLATE.names).to_csv(own_folder / "propose" / PLATE.file, index=False)
    recorded = {"run": "demo", "seed": 1, "device": "auto", "propose": {"pool": "pool.smi"}}
    (own_folder / "config" / "propose.yaml").write_text(yaml.safe_dump(recorded))
    settings = settings_of(own_folder, RunConfig.model_validate({"propose": propose}))
    assert len(plate_sections(replace(run, folder=own_folder, settings=settings))) == n
