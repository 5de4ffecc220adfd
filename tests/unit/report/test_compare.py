import shutil

import pytest
import yaml
from typer.testing import CliRunner

from molvae.cli.main import app
from molvae.config import RunConfig
from molvae.report.compare import NamedRun, compare, differing_settings, result_rows, shared_objectives


@pytest.fixture
def two_folders(run_folder, tmp_path):
    """Return two copies of a run, the second with another seed and another budget."""
    folders = [shutil.copytree(run_folder, tmp_path / name / "demo") for name in ("a", "b")]
    file = folders[1] / "config" / "report.yaml"
    settings = yaml.safe_load(file.read_text())
    settings["seed"] = 2
    settings["optimize"]["budget"] = 77
    file.write_text(yaml.safe_dump(settings))
    return folders


def test_the_page_has_the_results_the_searches_and_what_differs(two_folders, tmp_path):
    out = tmp_path / "compare.html"
    command = ["report", *map(str, two_folders), "--out", str(out)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    text = out.read_text()
    assert "a/demo" in text
    assert "b/demo" in text
    assert '<section id="search-demo"' in text
    assert compare(two_folders, RunConfig(), tmp_path / "again.html").read_text() == text


def test_passwords_of_inputs_are_not_shown(two_folders, tmp_path):
    for folder, password in zip(two_folders, ("first-secret", "second-secret"), strict=True):
        file = folder / "config" / "prepare.yaml"
        settings = yaml.safe_load(file.read_text())
        settings["prepare"]["input"] = [f"https://ann:{password}@example.org/{folder.parent.name}.smi"]
        file.write_text(yaml.safe_dump(settings))
    text = compare(two_folders, RunConfig(), tmp_path / "compare.html").read_text()
    assert "example.org/a.smi" in text
    assert "-secret" not in text


def test_several_runs_need_a_page(two_folders):
    result = CliRunner().invoke(app, ["report", *map(str, two_folders)])
    assert "expected a page to compare 2 runs on" in str(result.exception or result.output)


def test_only_settings_that_differ_are_listed():
    a = {"run": "a", "seed": 1, "train": {"epochs": 3, "priors": ["x"]}}
    b = {"run": "b", "seed": 1, "train": {"epochs": 4, "priors": ["x"]}, "new": True}
    assert differing_settings([a, b]) == [("train.epochs", ["3", "4"]), ("new", ["–", "True"])]


def test_results_have_a_spread(run):
    rows = {title: (values, spread) for title, values, spread in result_rows([NamedRun("a", run), NamedRun("b", run)])}
    assert rows["FCD to test set"] == (["4.10", "4.10"], "4.100 ± 0")
    assert rows["Seed"][1] == ""
    assert shared_objectives([NamedRun("a", run), NamedRun("b", run)]) == ["demo"]
    assert shared_objectives([NamedRun("a", run)]) == []
