"""A synthetic run, read once; tests that change a file take a copy of its folder."""

import shutil
from pathlib import Path

import pytest

from molvae.config import load_config
from molvae.provenance import settings_of
from molvae.report.run_data import Run, load_run
from tests.fixtures.run_folder import build_run_folder


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory) -> Path:
    return build_run_folder(tmp_path_factory.mktemp("run"))


@pytest.fixture
def own_folder(run_folder, tmp_path) -> Path:
    """Return a copy of the run's folder that a test may change."""
    return shutil.copytree(run_folder, tmp_path / "results" / "demo")


@pytest.fixture(scope="session")
def run(run_folder) -> Run:
    return load_run(run_folder, settings_of(run_folder, load_config(run_folder / "config" / "report.yaml")))
