from pathlib import Path

import pytest

from molvae.errors import DataError
from molvae.inputs import expand


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "folder.smi").mkdir()
    for name in ["b.smi", "a.smi", "a.csv", "deep/er/c.smi", "odd[1].smi"]:
        (tmp_path / name).write_text("CCO\n")


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["b.smi", "a.smi"], ["b.smi", "a.smi"]),
        (["?.smi"], ["a.smi", "b.smi"]),
        (["b.smi", "?.smi"], ["b.smi", "a.smi"]),
        (["**/c.smi"], ["deep/er/c.smi"]),
        (["odd[1].smi"], ["odd[1].smi"]),
        (["none.smi"], ["none.smi"]),
        (["*.smi"], ["a.smi", "b.smi", "odd[1].smi"]),
    ],
)
def test_patterns_become_files_in_a_fixed_order(patterns, expected):
    assert expand(patterns) == [Path(name) for name in expected]


def test_a_pattern_that_matches_nothing_is_refused():
    with pytest.raises(DataError, match=r"\*\.sdf: expected files that match the pattern, found none"):
        expand(["*.sdf"])
