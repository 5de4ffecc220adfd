"""`molvae optimize`."""

from pathlib import Path

import pytest

from molvae.cli.optimize import _prepared_beside


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("prepare", "results/mine/prepare"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "molecules.parquet").touch()
    for name in ("results/mine/train/model", "some/model"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.json").touch()
    return tmp_path


def test_the_molecules_of_a_models_own_run_are_known(folder, monkeypatch):
    expected = folder / "results" / "mine" / "prepare"
    assert _prepared_beside(Path("results/mine/train/model")) == expected
    monkeypatch.chdir(folder / "results" / "mine" / "train" / "model")
    assert _prepared_beside(Path()) == expected


@pytest.mark.parametrize("model", ["moses", "some/model", "results/mine/train/other"])
def test_no_other_folder_of_the_same_name_is_taken_for_it(model):
    assert _prepared_beside(Path(model)) is None
