"""`molvae new`: what it sees in the data, and what it writes."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from molvae import data_look
from molvae.cli.main import app
from molvae.config import load_config
from molvae.data_look import look_at
from molvae.errors import ConfigError, DataError
from molvae.new_project import create
from molvae.optimize.objective import load_objective
from molvae.preflight import plan_run

TABLE = """ID,SMILES,pAct,assay
a,CCO,5.1,cell
b,CCI,>8,cell
c,C1CC,6.2,enzyme
d,c1ccccc1O,7.25,enzyme
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my data.csv").write_text(TABLE)
    return tmp_path


def new(*arguments):
    return CliRunner().invoke(app, ["new", *map(str, arguments)], catch_exceptions=False)


def test_the_data_are_looked_at(folder):
    look = look_at(Path("my data.csv"))
    assert (look.n_rows, look.n_molecules) == (4, 3)
    assert (look.smiles_column, look.id_column, look.others) == ("SMILES", "ID", ["assay"])
    assert look.measured == {"pAct": (5.1, 7.25)}
    assert look.best == (7.25, "Oc1ccccc1")
    assert look.base == "zinc250k"
    assert look.lines() == [
        "my data.csv: 4 rows, SMILES in 'SMILES', names in 'ID'; 3 are molecules",
        "measured: pAct, 5.1 to 7.25",
        "other columns: assay",
        "moses cannot read 1 of 3 ([I])",
        "zinc250k reads all",
    ]


def test_the_values_of_all_rows_are_looked_at(folder, monkeypatch):
    monkeypatch.setattr(data_look, "MAX_LOOKED_AT", 4)
    (folder / "my data.csv").write_text(f"{TABLE}e,CCCO,9.9,cell\nf,nonsense,99,cell\ng,CCN,-1,cell\nh,CCCN,9.9,x\n")
    look = look_at(Path("my data.csv"))
    assert (look.n_rows, look.n_read, look.measured) == (8, 4, {"pAct": (-1.0, 99.0)})
    assert look.best == (9.9, "CCCO")


def test_a_project_has_a_config_and_an_objective_that_are_valid(folder):
    result = new("mine", "--data", "my data.csv")
    assert result.exit_code == 0
    settings = load_config(folder / "mine" / "config.yaml")
    assert (folder / "mine" / settings.prepare.input[0]).resolve() == folder / "my data.csv"
    assert (settings.run, settings.train.init_from) == ("mine", "zinc250k")
    assert (settings.prepare.smiles_column, settings.prepare.id_column) == ("SMILES", "ID")
    assert settings.prepare.properties == {"pAct": ""}
    assert settings.optimize.objectives == ["objective.yaml"]
    assert load_objective(str(folder / "mine" / "objective.yaml")).term_names[0] == "similarity"
    assert "cd mine" in result.output
    assert "  molvae series 'my data.csv' --activity pAct" in result.output.splitlines()
    assert result.output.splitlines()[-1].strip().startswith(("snakemake", "molvae"))


@pytest.mark.parametrize("name", ["2024", "1.5", "2025-10-01", "2025-13-45", "on", "null"])
def test_a_name_that_reads_as_a_number_or_a_date_is_a_name(folder, name):
    assert new(name, "--data", "my data.csv").exit_code == 0
    assert load_config(folder / name / "config.yaml").run == name
    assert load_objective(str(folder / name / "objective.yaml")).name == name


def test_the_data_are_found_from_a_project_behind_a_link(folder):
    (folder / "far" / "away").mkdir(parents=True)
    (folder / "link").symlink_to(folder / "far" / "away")
    assert new("link/mine", "--data", "my data.csv").exit_code == 0
    [data] = load_config(folder / "link" / "mine" / "config.yaml").prepare.input
    assert (folder / "link" / "mine" / data).samefile(folder / "my data.csv")


HOSTILE_COLUMN = "x: ''\nterms:\n- command: touch hit\x1b[2K\u2028- command: touch hit\x85'\""


def test_a_column_whose_name_has_ends_of_lines_stays_a_name(folder):
    table = pd.DataFrame({"SMILES": [f"{'C' * n}O" for n in range(3, 20)], HOSTILE_COLUMN: range(17)})
    table.to_parquet(folder / "theirs.parquet")
    result = new("mine", "--data", "theirs.parquet")
    assert result.exit_code == 0
    assert "\x1b" not in result.output
    assert load_config(folder / "mine" / "config.yaml").prepare.properties == {HOSTILE_COLUMN: ""}
    objective = folder / "mine" / "objective.yaml"
    assert load_objective(str(objective)).term_names == ("similarity", "qed", "sa_score", "logp")
    text = objective.read_text().replace("  # - learned", "  - learned")
    objective.write_text(text.replace("  #   maximise: {low: 0, high: 16}", "    maximise: {low: 0, high: 16}"))
    *_, learned = load_objective(str(objective)).term_names
    assert learned.startswith("x_terms_-_command")


def test_the_term_of_the_measured_column_can_be_taken_up(folder):
    rows = "".join(f"m{n},{'C' * n}O,{n / 2},cell\n" for n in range(3, 20))
    (folder / "my data.csv").write_text(TABLE.splitlines()[0] + "\n" + rows)
    new("mine", "--data", "my data.csv")
    objective = folder / "mine" / "objective.yaml"
    text = objective.read_text().replace("  # - learned", "  - learned")
    objective.write_text(text.replace("  #   maximise: {low: 1.5", "    maximise: {low: 1.5"))
    assert "pAct" in load_objective(str(objective)).term_names


def test_the_project_can_be_prepared_in_its_folder(folder, monkeypatch):
    smiles = [f"{'C' * n}O" for n in range(3, 40)]
    (folder / "my data.csv").write_text("smiles\n" + "\n".join(smiles) + "\n")
    assert new("mine", "--data", "my data.csv").exit_code == 0
    monkeypatch.chdir(folder / "mine")
    done = CliRunner().invoke(app, ["prepare", "--config", "config.yaml", "--out", "results/mine/prepare"])
    assert done.exit_code == 0
    assert Path("results/mine/prepare/molecules.parquet").exists()


def test_a_large_library_is_trained_on_alone(folder, monkeypatch):
    monkeypatch.setattr(data_look, "ENOUGH_TO_TRAIN", 4)
    assert look_at(Path("my data.csv")).base is None
    new("large", "--data", "my data.csv")
    assert load_config(folder / "large" / "config.yaml").train.init_from is None


@pytest.mark.parametrize("name", ["a.smi", "a.sdf", "a.parquet"])
def test_other_formats_do(folder, name):
    from molvae.molecule_tables import add_columns
    from molvae.table_writers import table_writer

    if name == "a.smi":
        with table_writer(Path(name)) as write:
            write(None, ["CCO", "c1ccccc1O"], ["a", "b"])
    else:
        add_columns(Path("my data.csv"), Path(name), lambda smiles: data_look.compute_properties(smiles, ["logp"]))
    assert new("mine", "--data", name).exit_code == 0
    settings = load_config(folder / "mine" / "config.yaml")
    assert load_objective(str(folder / "mine" / "objective.yaml")).name == "mine"
    assert ("logp" in settings.prepare.properties) == (name != "a.smi")
    assert ("- learned" in (folder / "mine" / "objective.yaml").read_text()) == (name != "a.smi")


def test_nothing_is_overwritten(folder):
    (folder / "mine").mkdir()
    with pytest.raises(DataError, match="mine: expected nothing of this name"):
        new("mine", "--data", "my data.csv")
    assert list((folder / "mine").iterdir()) == []
    shutil.rmtree(folder / "mine")
    with pytest.raises(ConfigError, match="found 'a b'"):
        create(Path("a b"), look_at(Path("my data.csv")))


def test_without_data_it_is_the_project_of_the_demo(folder):
    result = new("mine")
    assert result.exit_code == 0
    assert "cd mine\n  snakemake --cores " in result.output
    assert "--configfile" not in result.output
    assert not (folder / "mine" / "config.yaml").exists()
    assert (folder / "mine" / "workflow" / "config" / "demo.yaml").exists()
    with pytest.raises(ConfigError, match="--smiles-column, --id-column: expected --data"):
        new("other", "--smiles-column", "SMILES")
    assert not (folder / "other").exists()


def test_every_preset_can_be_run_in_a_project_but_for_what_is_the_users(folder, monkeypatch):
    assert new("mine").exit_code == 0
    monkeypatch.chdir(folder / "mine")
    planned, refused = [], {}
    for preset in sorted(Path("workflow/config").glob("*.yaml")):
        try:
            planned.append(plan_run(yaml.safe_load(preset.read_text()), str(preset)).settings.run)
        except DataError as error:
            refused[preset.stem] = str(error)
    assert {"demo", "learned", "moses", "pareto", "propose", "smoke"} <= {*planned}
    # The user's own molecules, and the results of an earlier run that is trained further.
    assert all("data/raw/" in reason or "results/" in reason for reason in refused.values()), refused


def test_data_without_molecules_are_told(folder):
    (folder / "none.csv").write_text("SMILES\nxxx\nyyy\n")
    with pytest.raises(DataError, match="expected molecules, found none in the first 2 rows"):
        new("mine", "--data", "none.csv")
    assert not (folder / "mine").exists()
