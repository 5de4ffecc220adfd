"""A project of the user's own, with molvae installed from its wheel and no clone of the repository."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from molvae.errors import DataError
from molvae.parallel import available_cpus
from molvae.project import home, lay

ROOT = Path(__file__).parents[2]
SMOKE = ("--configfile", "workflow/config/smoke.yaml")


def test_a_clone_is_its_own_home():
    assert home() == ROOT


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "Snakefile").write_text("mine")
    with pytest.raises(DataError, match="Snakefile: expected no file of a project"):
        lay(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["Snakefile"]


PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
OFFLINE = ["--no-deps", "--no-index", "--no-build-isolation"]


def environment() -> dict[str, str]:
    """Return the environment without what would make another molvae count as installed."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ["molvae", "workflow", "data", "benchmarks"]:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "raw", "results"))
    for name in ["pyproject.toml", "setup.py", "MANIFEST.in", "Snakefile", "README.md", "LICENSE"]:
        shutil.copy(ROOT / name, source)
    subprocess.run([*PIP, "wheel", *OFFLINE, "--wheel-dir", folder, source], check=True)
    shutil.rmtree(source)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """The Python of an environment in which the wheel is installed, and from elsewhere all that it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv")
    python = folder / "venv" / "bin" / "python"
    subprocess.run([*PIP, "--python", python, "install", *OFFLINE, wheel], env=environment(), check=True)
    # Only this folder itself: what the .pth files in it add, among them a clone, is not found.
    [packages] = (folder / "venv").glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, *arguments], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def project(python, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "mine"
    laid = run(python, folder.parent, "-m", "molvae", "new", "mine")
    assert laid.returncode == 0, laid.stderr
    assert laid.stdout.splitlines()[1:] == ["  cd mine", f"  snakemake --cores {available_cpus()}"]
    return folder


def test_molvae_is_the_installed_one(python, project):
    where = run(python, project, "-c", "import molvae; print(molvae.__file__)").stdout
    assert Path(where.strip()).is_relative_to(python.parents[1])


@pytest.mark.parametrize("arguments", [(), SMOKE])
def test_a_project_plans_the_packaged_workflow(python, project, arguments):
    planned = run(python, project, "-m", "snakemake", "--cores", "2", "--dry-run", "--forceall", *arguments)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    for rule in ["prepare", "train", "evaluate", "sample", "optimize", "optimize_baseline", "score", "report", "all"]:
        assert f"\n{rule} " in planned.stdout + planned.stderr


def test_a_preset_is_not_merged_with_the_demo(python, project):
    (project / "study.yaml").write_text("run: study\nprepare: {input: [data/smoke.smi.gz]}\nsample: {m: 3}\n")
    refused = run(python, project, "-m", "snakemake", "--cores", "2", "--dry-run", "--configfile", "study.yaml")
    assert refused.stderr.startswith("molvae: error: sample.m: expected a known setting")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.nightly
def test_a_project_runs_to_the_report(python, project):
    done = run(python, project, "-m", "snakemake", "--cores", "2", *SMOKE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "molvae: run smoke on 2,000 molecules" in done.stderr
    assert "molvae: done; open results/smoke/report.html in a browser" in done.stderr
    assert (project / "results/smoke/report.html").exists()
    again = run(python, project, "-m", "snakemake", "--cores", "2", *SMOKE)
    assert "Nothing to be done" in again.stdout + again.stderr


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.timeout(1500)
def test_the_wheel_brings_all_that_it_needs_into_an_empty_environment(wheel, tmp_path):
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    tested = ["--constraint", ROOT / "constraints.txt"]
    subprocess.run([*PIP, "--python", python, "install", *tested, f"{wheel}[workflow]"], env=environment(), check=True)
    laid = run(python, tmp_path, "-m", "molvae", "new", "my-project")
    assert laid.returncode == 0, laid.stderr
    done = run(python, tmp_path / "my-project", "-m", "snakemake", "--cores", "2", *SMOKE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "my-project" / "results/smoke/report.html").exists()
