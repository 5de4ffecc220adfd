import html
import json
import re
import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

from molvae.cli.main import app
from molvae.config import RunConfig
from molvae.report import report
from tests.fixtures.run_folder import build_run_folder


@pytest.fixture(scope="module")
def page(run_folder, tmp_path_factory):
    return report(run_folder, RunConfig(), tmp_path_factory.mktemp("page") / "report.html")


def test_the_page_the_provenance_and_the_figures_are_written(page):
    assert page.stat().st_size < 1.5e6
    assert json.loads(page.with_name("provenance.json").read_text())["run"] == "demo"
    assert {path.name for path in (page.with_suffix("") / "figures").iterdir()} == {
        "training.svg",
        "latent_map.html",
        "latent_space.svg",
        "reconstructions.html",
        "samples.html",
        "properties.svg",
        "optimization_demo.svg",
        "candidates_demo.html",
    }


def test_the_page_has_every_section(page):
    sections = re.findall(r'<section id="([^"]+)"', page.read_text())
    assert sections == [
        "decision-demo", "candidates-demo", "optimization-demo", "samples", "properties", "summary", "data", "training",
        "reconstruction", "map", "metrics", "provenance",
    ]  # fmt: skip


def test_the_page_loads_nothing(page):
    text = page.read_text()
    markup = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r'(?:src|href)="(?!#|data:)', markup)
    assert "@import" not in markup
    assert "default-src 'none'" in html.unescape(text)


def test_text_from_files_is_escaped(page):
    text = page.read_text()
    assert "MCF &lt;nitrile&gt;" in text
    assert "<nitrile>" not in text


def test_a_report_is_the_same_bytes_when_made_again(page, run_folder, tmp_path):
    again = report(run_folder, RunConfig(), tmp_path / "report.html")
    assert again.read_bytes() == page.read_bytes()
    for figure in (page.with_suffix("") / "figures").iterdir():
        assert (again.with_suffix("") / "figures" / figure.name).read_bytes() == figure.read_bytes(), figure.name


def test_a_run_with_nothing_optional_has_a_page(own_folder):
    shutil.rmtree(own_folder / "optimize")
    shutil.rmtree(own_folder / "config")
    text = report(own_folder, RunConfig()).read_text()
    assert 'id="candidates-' not in text
    assert 'id="care"' in text


def test_a_run_of_the_first_version_has_a_page(own_folder):
    metrics = own_folder / "evaluate" / "metrics.json"
    content = json.loads(metrics.read_text())
    for name in ("decoded", "reconstruction_by_size", "by_dimension", "similarity_by_distance", "midpoint_gap"):
        del content[name]
    metrics.write_text(json.dumps(content))
    assert "Decoding quality" not in report(own_folder, RunConfig()).read_text()


def test_each_of_several_objectives_has_a_section(tmp_path):
    folder = build_run_folder(tmp_path, objectives=("one", "two"), baseline=False)
    text = report(folder, RunConfig()).read_text()
    assert '<section id="optimization-one"' in text
    assert '<section id="optimization-two"' in text


def test_the_file_of_rejected_rows_is_named(own_folder):
    text = report(own_folder, RunConfig()).read_text()
    assert "Every rejected row is listed with its reason in <code>prepare/rejected.csv</code>." in text


def test_no_candidates_and_no_rejects_still_give_a_page(own_folder):
    for file in (own_folder / "optimize").rglob("candidates.csv"):
        pd.read_csv(file).head(0).to_csv(file, index=False)
    for file in ("metrics.json", "molecules.csv"):
        (own_folder / "score" / "demo" / file).unlink()
    summary = own_folder / "prepare" / "summary.json"
    content = json.loads(summary.read_text())
    summary.write_text(json.dumps({**content, "rejected": {}, "duplicates": 0}))
    text = report(own_folder, RunConfig()).read_text()
    assert "No new molecule has a score above 0: each misses a target entirely." in text
    assert "None was excluded." in text
    assert "rejected.csv</code>" not in text


def test_the_settings_shown_are_those_recorded_except_for_the_title(own_folder):
    settings = RunConfig.model_validate({"report": {"title": "<i>Kinase</i>"}, "train": {"latent_dim": 7}})
    text = report(own_folder, settings).read_text()
    assert "&lt;i&gt;Kinase&lt;/i&gt;" in text
    assert "64 latent dimensions" in text


def test_the_command_writes_the_page_where_it_is_told(own_folder, tmp_path):
    out = tmp_path / "elsewhere" / "page.html"
    arguments = ["report", str(own_folder), "--out", str(out), "--set", "report.n_molecules=3"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert out.read_text().count('class="tile') == 3
    assert (out.parent / "page" / "figures" / "training.svg").exists()
    assert not (own_folder / "report.html").exists()
