import logging
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from molvae.metrics.cache import Stored, cache_folder, cached


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MOLVAE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make(calls):
    def made():
        calls.append(1)
        return Stored(
            {"x": np.arange(3.0)}, {"smiles": ["CCO", "", "é"]}, {"scaffolds": Counter({"c1ccccc1": 2, "": 1})}
        )

    return made


def test_what_was_computed_is_found_again(folder):
    calls = []
    first = cached("test", ["CCO", "CCN"], make(calls))
    again = cached("test", ["CCO", "CCN"], make(calls))
    assert len(calls) == 1
    assert (again.texts, again.counts) == (first.texts, first.counts)
    assert again.arrays["x"].tolist() == first.arrays["x"].tolist()
    assert cache_folder() == folder


def test_other_molecules_kinds_and_orders_are_not_taken_for_the_same():
    calls = []
    for kind, smiles in [
        ("test", ["CCO", "C"]),
        ("test", ["C", "CCO"]),
        ("test", ["CCOC"]),
        ("training", ["CCO", "C"]),
    ]:
        cached(kind, smiles, make(calls))
    assert len(calls) == 4


@pytest.mark.parametrize("what", ["versions", "software"])
def test_another_version_of_a_library_or_of_molvae_computes_anew(monkeypatch, what):
    calls = []
    cached("test", ["CCO"], make(calls))
    monkeypatch.setattr(f"molvae.metrics.cache.{what}", lambda: {"rdkit": "0"})
    cached("test", ["CCO"], make(calls))
    assert len(calls) == 2


@pytest.mark.parametrize("name", ["arrays.npz", "scaffolds.counts.parquet", "smiles.texts.parquet", "checksums.json"])
@pytest.mark.parametrize("damage", [b"x", b"", None, "half"])
def test_a_damaged_entry_is_made_again(folder, name, damage, caplog):
    calls = []
    cached("test", ["CCO"], make(calls))
    file = next(folder.iterdir()) / name
    content = file.read_bytes()
    file.unlink()
    if damage is not None:
        file.write_bytes(content[: len(content) // 2] if damage == "half" else damage)
    with caplog.at_level(logging.WARNING, logger="molvae"):
        assert cached("test", ["CCO"], make(calls)).texts["smiles"][0] == "CCO"
    assert "damaged" in caplog.text
    cached("test", ["CCO"], make(calls))
    assert len(calls) == 2


def test_a_place_that_cannot_be_written_costs_only_the_keeping(folder, caplog):
    folder.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING, logger="molvae"):
        assert cached("test", ["CCO"], make([])).texts["smiles"][0] == "CCO"
    assert "not cached" in caplog.text
    assert "set MOLVAE_CACHE to a writable folder of your own" in caplog.text


WAITS = """
import sys, time
from pathlib import Path
from molvae.metrics.cache import Stored, cached

def make():
    print("making", flush=True)
    time.sleep(1.0)
    return Stored(texts={"smiles": ["CCO"]})

cached("test", ["CCO"], make)
"""


def test_two_runs_at_a_time_compute_an_entry_once(caplog):
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "making\n"
        with caplog.at_level(logging.INFO, logger="molvae"):
            stored = cached("test", ["CCO"], make(calls := []))
    assert not calls
    assert stored.texts["smiles"] == ["CCO"]
    assert "damaged" not in caplog.text


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_cache_that_others_can_write_to_is_neither_read_nor_written(folder, caplog, mode):
    cached("test", ["CCO"], make([]))
    folder.chmod(mode)
    with caplog.at_level(logging.WARNING, logger="molvae"):
        cached("test", ["CCO"], make(calls := []))
    assert calls
    assert "only you can write to" in caplog.text
    folder.chmod(0o700)
    cached("test", ["CCO"], make(calls := []))
    assert not calls


def test_a_cache_of_another_user_is_not_believed(folder, caplog, monkeypatch):
    cached("test", ["CCO"], make([]))
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    with caplog.at_level(logging.WARNING, logger="molvae"):
        cached("test", ["CCO"], make(calls := []))
    assert calls
    assert "found owner" in caplog.text


def test_the_cache_is_private_to_its_user(folder):
    cached("test", ["CCO"], make([]))
    assert folder.stat().st_mode & 0o077 == 0


def test_a_group_that_may_write_by_default_does_not_spoil_the_cache(folder, caplog):
    before = os.umask(0o002)
    try:
        cached("test", ["CCO"], make([]))
        cached("test", ["CCO"], make(calls := []))
    finally:
        os.umask(before)
    assert not calls
    assert "not cached" not in caplog.text
    assert {path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())} == {0o700}
