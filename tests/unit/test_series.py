"""`molvae series`: what it takes from the data, what it writes, and how it runs the workflow."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner

from molvae.cli.main import app
from molvae.config import load_config
from molvae.data_look import look_at
from molvae.errors import ConfigError, DataError
from molvae.folders import LOCK
from molvae.optimize.objective import load_objective
from molvae.optimize.spec import read_spec
from molvae.series import workflow
from molvae.series.plan import plan_series
from molvae.series.texts import config_text, objective_text
from molvae.series.workflow import default_folder, lay_series, run_workflow

# Benzanilides, of which longer chains are more active, and two molecules of another kind.
SERIES = [(f"{'C' * n}c1ccc(cc1)C(=O)Nc1ccccc1", 5.0 + 0.25 * n) for n in range(1, 13)]
OTHERS = [("CCO", 2.0), ("CCI", 2.5)]
TABLE = "smiles,id,pIC50\n" + "".join(f"{smiles},m{i},{value}\n" for i, (smiles, value) in enumerate(SERIES + OTHERS))
BEST = "CCCCCCCCCCCCc1ccc(C(=O)Nc2ccccc2)cc1"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text(TABLE)
    return tmp_path


def series(*arguments):
    return CliRunner().invoke(app, ["series", *map(str, arguments)], catch_exceptions=False)


def plan(**settings):
    return plan_series(look_at(Path("mine.csv")), "pIC50", **settings)


def test_lead_core_and_goal_come_from_the_data(folder):
    found = plan()
    assert (found.base, found.lead, found.best) == ("zinc250k", BEST, 8.0)
    assert found.core is not None
    assert 0.5 < found.core_fraction < 1.0
    assert found.start < found.best < found.goal
    assert found.is_given == (False, False)


def test_lower_may_be_better(folder):
    found = plan(minimise=True)
    assert (found.best, found.lead) == (2.0, "CCO")
    assert 0.0 <= found.goal < found.best < found.start
    assert found.core is None


def test_lead_and_core_may_be_given(folder):
    found = plan(lead="Cc1ccccc1", core="c1ccccc1")
    assert (found.lead, found.core, found.is_given) == ("Cc1ccccc1", "c1ccccc1", (True, True))
    assert plan(core="I").lead == "CCI"


def test_a_lead_without_what_the_series_shares_has_no_core(folder):
    assert plan(lead="CCO").core is None


@pytest.mark.parametrize(
    "settings",
    [{}, {"minimise": True}, {"lead": "CCO"}, {"core": "[*:1]c1ccc(cc1)C(=O)Nc1ccccc1"}],
)
def test_what_is_written_is_valid(folder, settings):
    found = plan(**settings)
    Path("config.yaml").write_text(config_text(found, "mine", "mine.csv", 15))
    Path("objective.yaml").write_text(objective_text(found, "mine", "mine.csv"))
    config, spec = load_config(Path("config.yaml")), read_spec(Path("objective.yaml"))
    assert (config.run, config.train.init_from, config.optimize.objectives) == ("mine", "zinc250k", ["objective.yaml"])
    assert config.prepare.properties == {"pIC50": ""}
    assert (spec.lead.smiles, spec.lead.similarity, spec.core) == (found.lead, 0.4, found.core)
    assert load_objective("objective.yaml").term_names == ("pIC50", "qed", "logp", "sa_score")


@pytest.mark.parametrize(("name", "column"), [("2024", "pIC50"), ("on", "pIC50\nlead: {smiles: C}\u2028core: C")])
def test_names_that_yaml_would_read_as_something_else_are_quoted(folder, name, column):
    rows = [line.split(",") for line in TABLE.splitlines()]
    table = pd.DataFrame(rows[1:], columns=["smiles", "id", column]).astype({column: float})
    table.to_parquet("theirs.parquet")
    found = plan_series(look_at(Path("theirs.parquet")), column)
    lay_series(Path(name), found, 15)
    config, spec = load_config(Path(name) / "config.yaml"), read_spec(Path(name) / "objective.yaml")
    assert (config.run, spec.name, config.prepare.properties) == (name, name, {column: ""})
    assert spec.lead.smiles == found.lead


def test_the_table_is_found_from_a_project_behind_a_link(folder):
    (folder / "far" / "away").mkdir(parents=True)
    (folder / "link").symlink_to(folder / "far" / "away")
    lay_series(Path("link/series"), plan(), 15)
    [data] = load_config(Path("link/series/config.yaml")).prepare.input
    assert (Path("link/series") / data).samefile("mine.csv")


def test_a_core_holds_the_members_with_a_substituent_in_the_place_of_a_hydrogen_of_the_lead(folder):
    indoles = [(f"{'C' * n}c1ccc2[nH]ccc2c1", 5.0 + n) for n in range(1, 8)]
    indoles += [(f"{'C' * n}c1ccc2n(C)ccc2c1", 4.0 + n / 10) for n in range(1, 8)]
    Path("mine.csv").write_text("smiles,pIC50\n" + "".join(f"{smiles},{value}\n" for smiles, value in indoles))
    found = plan()
    assert found.lead == "CCCCCCCc1ccc2[nH]ccc2c1"
    assert found.core is not None
    assert found.core_fraction == 1.0


def test_the_words_say_where_the_lead_and_the_goal_come_from(folder):
    text = objective_text(plan(), "mine", "mine.csv")
    assert "# The molecule of the best pIC50. Candidates" in text
    assert "Molecules of a higher pIC50 than the median of mine.csv, the best of them a little beyond" in text
    assert "# From the median to a little beyond the best one, 8." in text
    text = objective_text(plan(core="I"), "mine", "mine.csv")
    assert "# The molecule of the best pIC50 of those that hold the core. Candidates" in text
    Path("mine.csv").write_text(
        "smiles,pIC50\n" + "".join(f"{smiles},{8 if i else 3}\n" for i, (smiles, _) in enumerate(SERIES))
    )
    text = objective_text(plan(), "mine", "mine.csv")
    assert "Molecules of a higher pIC50 than the worst value of mine.csv" in text
    assert "# From the worst value to a little beyond the best one, 8." in text


def test_without_a_model_to_fine_tune_that_is_said(folder, monkeypatch):
    monkeypatch.setattr("molvae.data_look.shipped_models", dict)
    with pytest.raises(DataError, match="expected a model to fine-tune among those that come with molvae, found none"):
        plan()


@pytest.mark.parametrize("minutes", ["inf", "nan", "-inf", "0", "1e300"])
def test_minutes_are_a_number(folder, minutes):
    result = series("mine.csv", "--activity", "pIC50", "--minutes", minutes, "--dry-run")
    assert result.exit_code == 2
    assert "--minutes" in result.output
    assert [path.name for path in folder.iterdir()] == ["mine.csv"]


def test_a_project_is_laid_whole_or_not_at_all(folder, monkeypatch):
    def killed(temporary):
        assert not Path("series").exists()
        (temporary / "half").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("molvae.new_project.lay", killed)
        with pytest.raises(KeyboardInterrupt):
            lay_series(Path("series"), plan(), 15)
    assert [path.name for path in folder.iterdir()] == ["mine.csv"]
    lay_series(Path("series"), plan(), 15)
    assert Path("series/Snakefile").is_file()


def test_a_bound_better_than_the_best_value_is_told(folder):
    table = TABLE + "CCCCO,m97,>9.5\nCCCO,m98,>7\nCCO,m99,>9\nCCCN,m96,<1\n"
    Path("mine.csv").write_text(table)
    [line] = [line for line in plan().lines() if "bound" in line]
    assert line.startswith("line 16 has >9.5, at least as good as the best value")
    assert line.endswith("give --lead CCCCO")
    [line] = [line for line in plan(minimise=True).lines() if "bound" in line]
    assert line.endswith("give --lead CCCN")
    assert not any("bound" in line for line in plan(lead="CCCCO").lines())


def test_the_target_of_drug_likeness_is_one_that_the_series_reaches(folder):
    found = plan()
    Path("objective.yaml").write_text(objective_text(found, "mine", "mine.csv"))
    qed = next(term for term in read_spec(Path("objective.yaml")).terms if term.title == "qed")
    assert 0.0 < found.qed < 1.0
    assert qed.desirability.high == pytest.approx(found.qed, abs=0.005)


def test_alerts_that_most_of_the_series_have_are_no_constraint(folder):
    azo = [(f"{'C' * n}c1ccc(cc1)N=Nc1ccccc1", 5.0 + n) for n in range(1, 13)]
    Path("mine.csv").write_text("smiles,pIC50\n" + "".join(f"{smiles},{value}\n" for smiles, value in azo))
    found = plan()
    assert found.alerts["BRENK"] == 1.0
    assert "BRENK]" not in objective_text(found, "mine", "mine.csv")


def test_fewer_minutes_are_a_smaller_run(folder):
    runs = []
    for minutes in (5, 15):
        Path("config.yaml").write_text(config_text(plan(), "mine", "mine.csv", minutes))
        runs.append(load_config(Path("config.yaml")))
    assert runs[0].train.max_minutes < runs[1].train.max_minutes < 5
    assert runs[0].optimize.budget < runs[1].optimize.budget < 1000


def test_a_dry_run_writes_the_project_and_says_the_command(folder):
    result = series("mine.csv", "--activity", "pIC50", "--cores", 3, "--dry-run")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[-2:] == ["  cd mine", "  snakemake --cores 3 --configfile config.yaml"]
    assert {"model to fine-tune: zinc250k", f"lead: {BEST}"} <= set(lines)
    config = load_config(folder / "mine" / "config.yaml")
    assert (folder / "mine" / config.prepare.input[0]).resolve() == folder / "mine.csv"
    assert (folder / "mine" / "Snakefile").is_file()
    assert not (folder / "mine" / "results").exists()


def test_the_same_command_goes_on_and_another_does_not(folder):
    arguments = ("mine.csv", "--activity", "pIC50", "--dry-run")
    assert series(*arguments).exit_code == 0
    assert series(*arguments).exit_code == 0
    with pytest.raises(
        DataError,
        match=r"mine: expected nothing of this name, or what this command wrote, found another config.yaml and "
        r"objective.yaml; .* remove the folder",
    ):
        series(*arguments, "--lead", "CCO", "--minutes", 5)
    with pytest.raises(DataError, match=r"found another config.yaml; "):
        series(*arguments, "--minutes", 5)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (["--activity", "pKi"], ConfigError, "pKi"),
        (["--activity", "id"], DataError, "expected numbers for molecules, found none"),
        (
            ["--activity", "pIC50", "--lead", "xxx"],
            ConfigError,
            "--lead: expected the SMILES of a molecule, found 'xxx'",
        ),
        (["--activity", "pIC50", "--core", "c1cc"], ConfigError, "--core: expected a SMARTS pattern"),
        (["--activity", "pIC50", "--core", "[Se]"], ConfigError, "--core: expected a part of a measured molecule"),
        (
            ["--activity", "pIC50", "--core", "[Se]", "--lead", "CCO"],
            ConfigError,
            "--core: expected a part of the lead",
        ),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(folder, options, error, message):
    with pytest.raises(error) as caught:
        series("mine.csv", *options, "--dry-run")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in folder.iterdir()] == ["mine.csv"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("".join(f"{smiles},{value}\n" for smiles, value in SERIES[:5]), "expected at least 10 molecules with a value"),
        ("".join(f"{smiles},6\n" for smiles, _ in SERIES), "expected different values, found 6 for all 12"),
        ("xxx,1\nyyy,2\n", "expected molecules, found none"),
    ],
)
def test_too_little_is_one_line_and_nothing_is_written(folder, rows, message):
    (folder / "mine.csv").write_text("smiles,pIC50\n" + rows)
    with pytest.raises(DataError, match=message):
        series("mine.csv", "--activity", "pIC50")
    assert [path.name for path in folder.iterdir()] == ["mine.csv"]


@pytest.mark.parametrize(
    ("table", "name"), [("mine.csv", "mine"), ("a/my data.csv.gz", "my_data"), ("-x.smi", "x"), ("é.csv", "series")]
)
def test_the_folder_is_named_after_the_table(table, name):
    assert default_folder(Path(table)) == Path(name)


def snakemake_that(folder, code):
    """Put a program in the place of Snakemake, which Python finds in the folder that it starts in."""
    (folder / "snakemake.py").write_text(code)


def wait_for(file):
    deadline = time.monotonic() + 200
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_status_is_that_of_snakemake(folder, monkeypatch):
    series("mine.csv", "--activity", "pIC50", "--dry-run")
    snakemake_that(folder / "mine", "import sys; open('arguments', 'w').write(' '.join(sys.argv[1:])); sys.exit(3)")
    assert series("mine.csv", "--activity", "pIC50", "--cores", 1).exit_code == 3
    assert (folder / "mine" / "arguments").read_text() == "--cores 1 --configfile config.yaml"
    monkeypatch.setattr(workflow, "run_workflow", lambda *_: 0)
    done = series("mine.csv", "--activity", "pIC50", "--cores", 1)
    assert done.output.splitlines()[-1] == "report: mine/results/mine/report.html"
    assert "  molvae watch mine" in done.output.splitlines()


def test_an_interrupt_is_passed_on(tmp_path):
    snakemake_that(
        tmp_path,
        "import time\ntry:\n    open('ready', 'w').close(); time.sleep(60)\n"
        "except KeyboardInterrupt:\n    open('interrupted', 'w').close()\n",
    )

    def interrupt():
        wait_for(tmp_path / "ready")
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run_workflow(tmp_path, 1)
    assert (tmp_path / "interrupted").exists()


def test_snakemake_ends_when_what_started_it_is_killed(tmp_path):
    snakemake_that(
        tmp_path,
        "import time\ntry:\n    open('ready', 'w').close(); time.sleep(60)\n"
        "except KeyboardInterrupt:\n    time.sleep(1); open('interrupted', 'w').close()\n",
    )
    code = "from pathlib import Path; from molvae.series.workflow import run_workflow; run_workflow(Path(), 1)"
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) as started:
        wait_for(tmp_path / "ready")
        started.kill()
    # As long as it ends, it is not joined by another.
    with pytest.raises(DataError, match="expected no other run of molvae in this folder"):
        run_workflow(tmp_path, 1)
    wait_for(tmp_path / "interrupted")


def test_after_a_kill_the_same_command_unlocks_and_goes_on(tmp_path):
    snakemake_that(tmp_path, "import sys; open('arguments', 'a').write(' '.join(sys.argv[1:]) + '\\n')")
    (tmp_path / ".snakemake" / "locks").mkdir(parents=True)
    (tmp_path / ".snakemake" / "locks" / "0.output.lock").touch()
    arguments = "--cores 1 --configfile config.yaml"
    # Snakemake may be at work by another command.
    assert run_workflow(tmp_path, 1) == 0
    assert (tmp_path / "arguments").read_text().splitlines() == [arguments]
    (tmp_path / LOCK).write_text("process 1 on a machine")
    assert run_workflow(tmp_path, 1) == 0
    later = [f"{arguments} --unlock", f"{arguments} --rerun-incomplete"]
    assert (tmp_path / "arguments").read_text().splitlines()[1:] == later
    assert not (tmp_path / LOCK).exists()


def test_a_core_that_takes_too_long_to_find_is_left_out(folder, monkeypatch, caplog):
    given_up = SimpleNamespace(canceled=True, numAtoms=20, smartsString="c1ccccc1")
    monkeypatch.setattr("molvae.series.plan.rdFMCS.FindMCS", lambda mols, **options: given_up)
    assert plan().core is None
    assert "name one with --core" in caplog.text
