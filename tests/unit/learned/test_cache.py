"""Learned models in the cache: found again by their user, and by nobody else believed."""

import os

import pytest

from molvae.learned import cache
from molvae.learned.cache import learned_from


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MOLVAE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def fitted(measurements, tmp_path, monkeypatch):
    """Return a function that asks for the model of a table as another process does, and says whether it was fitted."""
    rows = zip(measurements.smiles[:20], measurements.values, strict=False)
    (tmp_path / "measured.csv").write_text("smiles,logP\n" + "".join(f"{smiles},{value}\n" for smiles, value in rows))
    calls, fit = [], cache.fit
    monkeypatch.setattr(cache, "fit", lambda *arguments, **options: calls.append(1) or fit(*arguments, **options))

    def ask():
        calls.clear()
        cache._learned.cache_clear()
        learned_from(tmp_path / "measured.csv", "logP", None)
        return bool(calls)

    return ask


def test_a_model_is_fitted_once_and_private_to_its_user(fitted, folder):
    before = os.umask(0o002)
    try:
        assert [fitted(), fitted()] == [True, False]
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())} == {0o700}


@pytest.mark.parametrize("mode", [0o777, 0o770])
@pytest.mark.parametrize("of", ["cache", "entry"])
def test_what_others_can_write_to_is_not_believed(fitted, folder, caplog, of, mode):
    fitted()
    place = folder if of == "cache" else next(folder.iterdir())
    place.chmod(mode)
    assert fitted()
    assert "only you can write to" in caplog.text
    place.chmod(0o700)
    assert not fitted()


def test_a_model_of_another_user_is_not_believed(fitted, caplog, monkeypatch):
    fitted()
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    assert fitted()
    assert "found owner" in caplog.text


def test_a_model_that_was_changed_is_learned_again(fitted, folder, caplog):
    fitted()
    record = next(folder.iterdir()) / "learned.json"
    record.write_text(record.read_text().replace('"seed": 1', '"seed": 2'))
    assert fitted()
    assert "damaged" in caplog.text
    assert not fitted()


def test_a_cache_that_cannot_be_written_costs_only_the_keeping(fitted, folder, caplog):
    folder.write_text("a file where the folder should be")
    assert fitted()
    assert "set MOLVAE_CACHE to a writable folder of your own" in caplog.text
