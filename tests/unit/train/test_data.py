import numpy as np
import pytest

import molvae.files
from molvae.chem.vocabulary import Vocabulary
from molvae.config import StandardiseConfig
from molvae.errors import DataError
from molvae.files import read_json, read_table
from molvae.nn.tokens import TokenStore
from molvae.train import data
from molvae.train.data import open_data, training_identity, validation_smiles, write_data
from molvae.train.start import starting_point


@pytest.fixture(scope="module")
def known(prepared):
    return Vocabulary(tuple(read_json(prepared / "vocabulary.json")["tokens"]))


@pytest.fixture(scope="module")
def start(known, small_train_config):
    return starting_point(small_train_config, known, StandardiseConfig(), 1)


def test_the_mapped_stores_hold_the_prepared_molecules(prepared, known, start, tmp_path, monkeypatch):
    # Blocks that do not end where a split does.
    monkeypatch.setattr(molvae.files, "BLOCK_ROWS", 37)
    write_data(prepared, tmp_path / "data", start, 1, "a")
    found = open_data(tmp_path / "data")
    molecules = read_table(prepared / "molecules.parquet")
    for split in ("train", "validation"):
        expected = TokenStore.from_selfies(molecules.loc[molecules["split"] == split, "selfies"].tolist(), known)
        store = getattr(found, split)
        np.testing.assert_array_equal(store.token_ids, expected.token_ids)
        np.testing.assert_array_equal(store.offsets, expected.offsets)
        assert store.token_ids.dtype == np.uint8
        assert isinstance(store.token_ids.base, np.memmap)
    assert found.longest == 1 + molecules["selfies"].str.count(r"\[").max()


def test_what_was_written_for_this_training_is_used_again_and_for_another_is_not(prepared, start, tmp_path):
    write_data(prepared, tmp_path / "data", start, 1, "a")
    offsets = tmp_path / "data" / "train" / "offsets.npy"
    written = offsets.stat().st_mtime_ns
    write_data(prepared, tmp_path / "data", start, 1, "a")
    assert offsets.stat().st_mtime_ns == written
    write_data(prepared, tmp_path / "data", start, 1, "b")
    assert offsets.stat().st_mtime_ns != written


def test_a_training_is_another_when_its_settings_seed_or_molecules_are(
    prepared, known, start, small_train_config, tmp_path
):
    (tmp_path / "molecules.parquet").write_bytes((prepared / "molecules.parquet").read_bytes() + b" ")

    def other(update, vocabulary=known, seed=1):
        return starting_point(small_train_config.model_copy(update=update), vocabulary, StandardiseConfig(), seed)

    identities = [
        training_identity(prepared, start, 1),
        training_identity(prepared, other({"epochs": 3}), 1),
        training_identity(prepared, other({}, seed=2), 1),
        training_identity(prepared, start, 2),
        training_identity(tmp_path, start, 1),
        training_identity(prepared, other({}, Vocabulary((*known.tokens, "[X]"))), 1),
    ]
    assert len(set(identities)) == len(identities)
    assert training_identity(prepared, other({}), 1) == identities[0]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.8])
def test_a_model_that_is_trained_further_adds_molecules_of_its_own(model, share):
    written = data.replayed(model, 40, share, seed=1)
    assert len(written) / (len(written) + 40) == pytest.approx(share, abs=0.05)
    assert all(model.vocabulary.knows(each) for each in written)
    assert written == data.replayed(model, 40, share, seed=1)


def test_the_reference_molecules_are_all_or_some_of_the_validation_split(prepared, monkeypatch):
    molecules = read_table(prepared / "molecules.parquet")
    held_out = molecules.loc[molecules["split"] == "validation", "smiles"].tolist()
    assert validation_smiles(prepared, len(held_out), 1) == held_out
    monkeypatch.setattr(data, "MOST_REFERENCE", 10)
    drawn = validation_smiles(prepared, len(held_out), 1)
    assert len(drawn) == 10
    assert [each for each in held_out if each in drawn] == drawn


def test_too_few_molecules_to_validate_on_are_refused(prepared, start, tmp_path):
    molecules = read_table(prepared / "molecules.parquet")
    molecules[molecules["split"] == "train"].to_parquet(tmp_path / "molecules.parquet")
    with pytest.raises(DataError, match="at least 2 molecules in the validation split, found 0"):
        write_data(tmp_path, tmp_path / "data", start, 1, "a")
    assert not (tmp_path / "data").exists()
