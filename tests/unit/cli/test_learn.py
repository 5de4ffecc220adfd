"""`molvae learn` and `molvae predict`, and the same from Python."""

import pandas as pd
import pytest
from typer.testing import CliRunner

import molvae
from molvae.cli.main import app
from tests.fixtures.property_head import save_with_head

SERIES = [f"{'C' * n}{end}" for n in range(1, 9) for end in ("O", "N", "c1ccccc1O")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learn")
    rows = [f"{smiles},{5 + len(smiles) / 20}" for smiles in SERIES]
    (folder / "measured.csv").write_text("SMILES,pIC50\n" + "\n".join(rows) + "\n")
    result = invoke("learn", folder / "measured.csv", "--column", "pIC50", "--out", folder / "potency")
    assert result.exit_code == 0, result.output
    return folder


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_predictions_stand_beside_all_columns_of_the_input(folder, tmp_path):
    (tmp_path / "new.csv").write_text("ID,SMILES,note\na,CCCCO,x\nb,nonsense,y\n")
    result = invoke("predict", folder / "potency", tmp_path / "new.csv", "--out", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "out.csv")
    assert list(table) == [
        *("ID", "SMILES", "note", "predicted", "low", "high", "in_domain", "nearest", "nearest_value"),
        "nearest_similarity",
    ]
    assert table["low"][0] < table["predicted"][0] < table["high"][0]
    assert (table["nearest"][0], table["nearest_value"][0]) == ("CCCCO", 5.25)
    assert table.loc[1, ["predicted", "in_domain", "nearest"]].isna().all()


def test_a_wider_coverage_gives_wider_intervals(folder, tmp_path):
    (tmp_path / "new.smi").write_text("CCCCO\n")
    widths = []
    for coverage in (0.5, 0.9):
        out = tmp_path / f"{coverage}.csv"
        invoke("predict", folder / "potency", tmp_path / "new.smi", "--out", out, "--coverage", coverage)
        table = pd.read_csv(out)
        widths.append(table["high"][0] - table["low"][0])
    assert widths[0] < widths[1]


def test_a_model_with_a_property_head_predicts_it(model, smiles, tmp_path):
    save_with_head(model, tmp_path / "model")
    (tmp_path / "new.smi").write_text(f"{smiles[0]} a\n")
    result = invoke("predict", tmp_path / "model", tmp_path / "new.smi", "--out", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "out.csv")["predicted_logp"].notna().all()


def test_nothing_is_written_where_nothing_can_be_learned(tmp_path):
    (tmp_path / "equal.csv").write_text("SMILES,pIC50\n" + "".join(f"{smiles},5\n" for smiles in SERIES))
    result = invoke("learn", tmp_path / "equal.csv", "--column", "pIC50", "--out", tmp_path / "potency")
    assert result.exit_code != 0
    assert "found 5 for all 24" in str(result.exception)
    assert not (tmp_path / "potency").exists()


def test_the_same_from_python(folder, tmp_path):
    learned = molvae.learn(folder / "measured.csv", "pIC50")
    kept = molvae.load_learned(folder / "potency")
    assert learned.predict(["CCCCO"]).mean == kept.predict(["CCCCO"]).mean


def test_a_coverage_is_a_number(folder, tmp_path):
    (tmp_path / "new.smi").write_text("CCO\n")
    result = invoke("predict", folder / "potency", tmp_path / "new.smi", "--coverage", "nan")
    assert result.exit_code == 2
    assert "--coverage" in result.output
