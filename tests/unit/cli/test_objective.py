"""`molvae objective`."""

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from molvae.cli.objective import objective
from molvae.errors import ConfigError, DataError, ObjectiveError
from molvae.optimize.desirability import DESIRABILITIES
from molvae.optimize.objective import builtin_names
from molvae.optimize.quantities import QUANTITIES


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(objective)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def molecules(tmp_path):
    file = tmp_path / "molecules.smi"
    file.write_text("CCO ethanol\nnonsense x\nc1ccccc1O phenol\n")
    return file


def test_scores_go_to_the_file_in_input_order(run, molecules, tmp_path):
    result = run("osimertinib_mpo", molecules, "--out", tmp_path / "scores.csv")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "scores.csv")
    assert table["smiles"].tolist() == ["CCO", "nonsense", "c1ccccc1O"]
    assert table["score"].isna().tolist() == [False, True, False]
    assert (tmp_path / "scores.csv").read_text().splitlines()[2].startswith("nonsense,x,,False,")


def test_an_objective_of_ones_own_is_read_from_its_file(run, molecules, tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\nterms:\n  - property: qed\n")
    assert run(tmp_path / "mine.yaml", molecules, "--out", tmp_path / "scores.csv").exit_code == 0
    assert pd.read_csv(tmp_path / "scores.csv").columns.tolist() == ["smiles", "id", "score", "feasible", "qed"]


def test_there_is_no_best_score_where_no_molecule_satisfies_the_constraints(run, molecules, tmp_path, caplog):
    lines = "name: mine\nterms: [{property: qed}]\nconstraints: [{property: mol_weight, min: 900}]\n"
    (tmp_path / "mine.yaml").write_text(lines)
    with caplog.at_level("INFO", logger="molvae"):
        assert run(tmp_path / "mine.yaml", molecules, "--out", tmp_path / "scores.csv").exit_code == 0
    assert caplog.messages[-1].endswith("2 of 3 molecules scored, 0 of them satisfy the constraints")


def test_list_shows_every_builtin_objective_and_what_others_are_made_of(run):
    result = run("--list")
    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.output.splitlines() if line.startswith("  ")]
    assert listed == [*builtin_names(), *QUANTITIES, *DESIRABILITIES]


def test_quantities_are_listed_from_the_usual_to_the_rare_and_what_only_constrains_says_so(run):
    kinds = [
        "property",
        "similarity",
        "has",
        "lacks",
        "count",
        "atom_count",
        "isomer",
        "learned",
        "in_domain",
        "predict",
    ]
    kinds += ["python", "command", "alerts", "unseen_rings", "likelihood"]
    assert list(QUANTITIES) == kinds
    lines = {line.split()[0]: line for line in run("--list").output.splitlines() if line.startswith("  ")}
    assert [kind for kind in kinds if lines[kind].endswith(" In constraints only.")] == ["in_domain", "alerts"]


def test_a_missing_argument_is_wrong_usage(run):
    result = run("qed")
    assert isinstance(result.exception, ConfigError)
    assert "MOLECULES" in str(result.exception)


def test_an_unknown_objective_is_refused_before_anything_is_written(run, molecules, tmp_path):
    result = run("qwd", molecules, "--out", tmp_path / "scores.csv")
    assert isinstance(result.exception, ObjectiveError)
    assert not (tmp_path / "scores.csv").exists()


DIES = "import os\n\ndef score(smiles):\n    if any('S' in text for text in smiles):\n        os._exit(4)\n"


def test_a_function_that_ends_its_process_fails_its_molecules_only(run, tmp_path, caplog):
    (tmp_path / "dying.py").write_text(DIES + "    return [0.5] * len(smiles)\n")
    (tmp_path / "dies.yaml").write_text("name: dies\nterms: [{python: 'dying:score'}]\n")
    (tmp_path / "m.smi").write_text("CCO a\nCCS b\nCCN c\n")
    with caplog.at_level("WARNING", logger="molvae"):
        result = run(tmp_path / "dies.yaml", tmp_path / "m.smi", "--out", tmp_path / "scores.csv")
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "scores.csv")["score"].isna().tolist() == [False, True, False]
    assert "1 of 3 molecules failed; the last, CCS, with: the process that scored it died" in caplog.text


def test_a_function_that_leaves_does_not_end_molvae_as_if_all_were_well(run, tmp_path):
    (tmp_path / "leaver.py").write_text("import sys\n\ndef score(smiles):\n    sys.exit(0)\n")
    (tmp_path / "leaves.yaml").write_text("name: leaves\nterms: [{python: 'leaver:score'}]\n")
    (tmp_path / "m.smi").write_text("".join(f"{'C' * n}O\n" for n in range(1, 41)))
    result = run(tmp_path / "leaves.yaml", tmp_path / "m.smi", "--out", tmp_path / "scores.csv")
    assert isinstance(result.exception, DataError)
    assert "SystemExit: 0" in str(result.exception)


def test_every_column_of_the_input_is_kept(run, tmp_path):
    (tmp_path / "known.csv").write_text("ID,SMILES,qed,pAct\na,CCO,0.1,5.5\n")
    assert run("qed", tmp_path / "known.csv", "--out", tmp_path / "scores.csv").exit_code == 0
    columns = ["ID", "SMILES", "input_qed", "pAct", "score", "feasible", "qed"]
    assert pd.read_csv(tmp_path / "scores.csv").columns.tolist() == columns
    shown = run("qed", tmp_path / "known.csv")
    assert shown.output.splitlines()[-2:] == (tmp_path / "scores.csv").read_text().splitlines()


def test_an_objective_is_checked_without_molecules(run, tmp_path):
    (tmp_path / "bad.yaml").write_text("name: bad\nterms: [{python: 'no_such_module_here:score'}]\n")
    assert run("qed", "--check").exit_code == 0
    assert isinstance(run(tmp_path / "bad.yaml", "--check").exception, ObjectiveError)
