from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from molvae.chem.reading import read_molecules
from molvae.cli.prepare import prepare
from molvae.errors import ConfigError
from molvae.files import read_table

DEMO = [r.smiles for r in read_molecules(Path(__file__).parents[3] / "data" / "demo_test.smi.gz")][:60]

app = typer.Typer()
app.command("prepare")(prepare)


def invoke(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("name,a_smiles,b_smiles\n" + "".join(f"n{n},{s},{s[::-1]}\n" for n, s in enumerate(DEMO[:40])))
    return path


def test_arguments_stand_over_the_config(tmp_path, table):
    (tmp_path / "test.smi").write_text("\n".join(DEMO[40:]) + "\n")
    config = tmp_path / "config.yaml"
    config.write_text("seed: 3\nprepare:\n  input: [absent.smi]\n  test_input: absent.smi\n  smiles_column: b_smiles\n")
    arguments = [table, "--out", tmp_path / "out", "--config", config, "--test", tmp_path / "test.smi", "--threads", 1]
    assert invoke(*arguments, "--smiles-column", "a_smiles", "--id-column", "name").exit_code == 0
    molecules = read_table(tmp_path / "out" / "molecules.parquet")
    assert list(molecules.id[:2]) == ["n0", "n1"]
    assert (molecules.split == "test").sum() > 0


def test_the_config_names_the_files_where_no_argument_does(tmp_path, table):
    arguments = ["--out", tmp_path / "out", "--threads", 1, "--set", "prepare.smiles_column=a_smiles"]
    assert invoke(*arguments, "--set", f"prepare.input=[{table}]").exit_code == 0
    assert len(read_table(tmp_path / "out" / "molecules.parquet")) == 40


def test_a_missing_column_is_a_wrong_setting(tmp_path, table):
    with pytest.raises(ConfigError, match="the columns are 'name', 'a_smiles', 'b_smiles'"):
        invoke(table, "--out", tmp_path / "out", "--smiles-column", "c")
