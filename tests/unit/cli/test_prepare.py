import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from molvae.chem.reading import read_molecules
from molvae.cli.prepare import prepare
from molvae.errors import ConfigError, DataError
from molvae.files import read_table

DEMO = [r.smiles for r in read_molecules(Path(__file__).parents[3] / "data" / "demo_test.smi.gz")][:60]

app = typer.Typer()
app.command("prepare")(prepare)


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


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


FILES = ["molecules.parquet", "rejected.csv", "summary.json", "vocabulary.json"]


def test_parts_are_gathered_by_the_call_without_one(tmp_path, monkeypatch):
    monkeypatch.setattr("molvae.prepare.blocks.BLOCK_SIZE", 20)
    for n in (1, 2):
        (tmp_path / f"{n}.smi").write_text("\n".join(DEMO[30 * (n - 1) : 30 * n]) + "\n")
    for part in ("2/2", "1/2"):
        arguments = [tmp_path / "*.smi", "--out", tmp_path / "parts", "--threads", 1]
        assert invoke(*arguments, "--shard", part).exit_code == 0
        assert [path.name for path in (tmp_path / "parts").iterdir()] == ["resume"]
    for folder in ("parts", "whole"):
        assert invoke(tmp_path / "*.smi", "--out", tmp_path / folder, "--threads", 1).exit_code == 0
    for name in FILES:
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_part_that_is_none_is_a_wrong_setting(tmp_path, table):
    with pytest.raises(
        ConfigError, match="--shard: expected a shard and the number of shards, such as 2/16, found '2'"
    ):
        invoke(table, "--out", tmp_path / "out", "--shard", "2")


def test_a_dry_run_says_what_is_read_and_writes_nothing(tmp_path, table):
    result = invoke(table, "--out", tmp_path / "out", "--smiles-column", "b_smiles", "--dry-run")
    assert result.exit_code == 0
    assert f"{table}: " in result.output
    assert "SMILES in the column 'b_smiles'" in result.output
    assert "of the first 40 rows " in result.output
    assert "not a molecule (not SMILES)" in result.output
    assert not (tmp_path / "out").exists()


def test_offline_names_what_would_be_fetched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for flag in ("--offline", "--dry-run"):
        with pytest.raises(DataError, match=r"data/raw/moses/train\.csv from https://"):
            invoke("moses", "--out", tmp_path / "out", flag)


def test_an_interrupted_run_says_so_and_goes_on(tmp_path):
    (tmp_path / "in.smi").write_text("".join(f"{'C' * (n % 50 + 3)}{'O' * (n % 2)} m{n}\n" for n in range(2_000)))
    code = "import molvae.prepare.blocks as blocks\nblocks.BLOCK_SIZE = 200\nfrom molvae.cli.main import run\nrun()"
    command = [sys.executable, "-c", code, "prepare", "in.smi", "--out", "out", "--threads", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    resume = tmp_path / "out" / "resume"
    deadline = time.monotonic() + 60
    while not list(resume.glob("*/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert said.splitlines()[-1].startswith("molvae: error: interrupted; every output is complete or absent")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["resume"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


@pytest.fixture
def measured(tmp_path):
    """Return a table as a project has it: names, SMILES, measured values and a remark."""
    rows = [f"c{n},{'C' * n}O,{'>9' if n == 5 else n / 10},note {n}" for n in range(3, 30)]
    path = tmp_path / "series.csv"
    path.write_text("\n".join(["ID,SMILES,pAct,remark", *rows]) + "\n")
    return path


def test_a_dry_run_tells_the_column_of_names_and_what_is_not_used(measured, tmp_path):
    shown = invoke(measured, "--out", tmp_path / "out", "--dry-run").output
    assert "SMILES in the column 'SMILES', names in 'ID'" in shown
    assert "not used: pAct (numbers, 0.3 to 2.9); to carry it: --property pAct=UNIT, or prepare.properties" in shown
    assert "not used: remark (text)" in shown
    shown = invoke(measured, "--out", tmp_path / "out", "--dry-run", "--property", "pAct=-log10 M").output
    assert "pAct" not in shown


def test_names_are_found_and_properties_are_carried_by_an_option(measured, tmp_path, caplog):
    caplog.set_level("INFO", "molvae")
    arguments = ["--property", "pAct=-log10 M", "--set", "prepare.validation_fraction=0.2"]
    assert invoke(measured, "--out", tmp_path / "out", *arguments).exit_code == 0
    table = read_table(tmp_path / "out" / "molecules.parquet")
    assert table["id"].tolist() == [f"c{n}" for n in range(3, 30)]
    assert table["property.pAct"].notna().sum() == 26
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["properties"]["pAct"]["unit"] == "-log10 M"
    assert "series.csv: not used: remark (text)" in caplog.text
    assert "not used: pAct" not in caplog.text


@pytest.mark.parametrize("option", ["pAct", "=nM", ""])
def test_a_property_needs_a_column_and_a_unit(measured, tmp_path, option):
    with pytest.raises(ConfigError, match="--property: expected COLUMN=UNIT"):
        invoke(measured, "--out", tmp_path / "out", "--property", option)
