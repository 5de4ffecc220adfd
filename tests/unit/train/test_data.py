import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import molvae.files
from molvae.chem.descriptors import compute_properties
from molvae.chem.selfies_codec import selfies_to_smiles
from molvae.config import StandardiseConfig
from molvae.errors import ConfigError, DataError
from molvae.files import read_json, read_table
from molvae.model.model import MolVAE
from molvae.nn.property_head import PropertyScale
from molvae.nn.tokens import TokenStore
from molvae.priors.gaussian_mixture import GaussianMixturePrior
from molvae.seeding import derive_seed
from molvae.train import data
from molvae.train.data import open_data, training_identity, validation_smiles, write_data
from molvae.train.molecules import N_RANDOMISED, Molecules
from molvae.train.start import starting_point
from molvae.vocabulary import Vocabulary


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
    opened = open_data(tmp_path / "data")
    molecules = read_table(prepared / "molecules.parquet")
    for split in ("train", "validation"):
        expected = TokenStore.from_strings(molecules.loc[molecules["split"] == split, "selfies"].tolist(), known)
        store = getattr(opened, split).tokens
        np.testing.assert_array_equal(store.token_ids, expected.token_ids)
        np.testing.assert_array_equal(store.offsets, expected.offsets)
        assert store.token_ids.dtype == np.uint8
        assert isinstance(store.token_ids.base, np.memmap)
    assert opened.max_length == 1 + molecules["selfies"].str.count(r"\[").max()


def test_what_was_written_for_this_training_is_used_again_and_for_another_is_not(prepared, start, tmp_path):
    write_data(prepared, tmp_path / "data", start, 1, "a")
    offsets = tmp_path / "data" / "train" / "offsets.npy"
    written = offsets.stat().st_mtime_ns
    write_data(prepared, tmp_path / "data", start, 1, "a")
    assert offsets.stat().st_mtime_ns == written
    write_data(prepared, tmp_path / "data", start, 1, "b")
    assert offsets.stat().st_mtime_ns != written


@pytest.mark.parametrize("name", ["about.json", "checksums.json", "train/token_ids.npy", "validation/offsets.npy"])
@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[:-9], lambda whole: whole[:-1] + b"\xff"])
def test_damaged_files_are_told_and_made_anew(prepared, start, tmp_path, caplog, name, damage):
    write_data(prepared, tmp_path / "data", start, 1, "a")
    file = tmp_path / "data" / name
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    write_data(prepared, tmp_path / "data", start, 1, "a")
    assert "found damaged ones; recomputing them" in caplog.text
    assert file.read_bytes() == whole
    open_data(tmp_path / "data")


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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "software", lambda: {"molvae": "0.1.0", "source": "older"})
        assert training_identity(prepared, start, 1) not in identities
    # Where it stops does not change what has been trained.
    assert training_identity(prepared, other({"max_minutes": 5.0}), 1) == identities[0]
    assert training_identity(prepared, other({}), 1) == identities[0]


def test_a_training_is_another_when_what_its_model_replays_is(prepared, known, small_train_config, model, tmp_path):
    def identity():
        return training_identity(prepared, start_with(known, small_train_config, init_from=str(tmp_path / "base")), 1)

    model.save(tmp_path / "base")
    identities = [identity(), identity()]
    assert identities[0] == identities[1]
    shorter = replace(model.generation, max_length=20)
    MolVAE(model.vae, known, model.priors, shorter, StandardiseConfig(), model.training).save(tmp_path / "base")
    identities.append(identity())
    mixture = model.priors["gaussian_mixture"]
    moved = {"gaussian_mixture": GaussianMixturePrior(mixture.weights, mixture.means + 1.0, mixture.factors)}
    MolVAE(model.vae, known, model.priors | moved, shorter, StandardiseConfig(), model.training).save(tmp_path / "base")
    identities.append(identity())
    assert len(set(identities)) == 3


@pytest.mark.parametrize("fraction", [0.0, 0.5, 0.8])
def test_a_model_that_is_trained_further_adds_molecules_of_its_own(model, fraction):
    def replayed():
        return pd.concat([pd.DataFrame(columns=["smiles", "selfies"]), *data.replayed(model, 40, fraction, seed=1)])

    molecules = replayed()
    assert len(molecules) / (len(molecules) + 40) == pytest.approx(fraction, abs=0.05)
    assert all(model.vocabulary.knows(selfies) for selfies in molecules["selfies"])
    assert molecules.equals(replayed())


def test_replayed_molecules_come_in_blocks_and_are_those_that_the_model_samples(model, monkeypatch):
    [together] = data.replayed(model, 10, 0.8, seed=1)
    monkeypatch.setattr(data, "BLOCK_ROWS", 15)
    blocks = list(data.replayed(model, 10, 0.8, seed=1))
    assert len(blocks) == 3
    assert pd.concat(blocks, ignore_index=True).equals(together)
    sampled = model.sample(40, derive_seed(1, "replay"))
    assert together["smiles"].tolist() == [smiles for smiles in sampled if smiles in set(together["smiles"])]


def test_the_reference_molecules_are_all_or_some_of_the_validation_split(prepared, monkeypatch):
    molecules = read_table(prepared / "molecules.parquet")
    held_out = molecules.loc[molecules["split"] == "validation", "smiles"].tolist()
    assert validation_smiles(prepared, len(held_out), 1) == held_out
    monkeypatch.setattr(data, "MAX_REFERENCE", 10)
    drawn = validation_smiles(prepared, len(held_out), 1)
    assert len(drawn) == 10
    assert [molecule for molecule in held_out if molecule in drawn] == drawn


def test_too_few_molecules_to_validate_on_are_refused(prepared, start, tmp_path):
    molecules = read_table(prepared / "molecules.parquet")
    molecules[molecules["split"] == "train"].to_parquet(tmp_path / "molecules.parquet")
    shutil.copy(prepared / "summary.json", tmp_path)
    with pytest.raises(DataError, match="at least 2 molecules in the validation split, found 0"):
        write_data(tmp_path, tmp_path / "data", start, 1, "a")
    assert not (tmp_path / "data").exists()


@pytest.fixture
def measured(prepared, tmp_path):
    """Return the prepared molecules with a measured column: 100 times their number, where that is even."""
    folder = tmp_path / "measured"
    shutil.copytree(prepared, folder)
    molecules = read_table(prepared / "molecules.parquet")
    molecules["property.pIC50"] = [100.0 * row if row % 2 == 0 else np.nan for row in range(len(molecules))]
    molecules.to_parquet(folder / "molecules.parquet")
    summary = read_json(folder / "summary.json") | {"properties": {"pIC50": {"unit": "-log10 M"}}}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def start_with(known, config, **settings):
    return starting_point(config.model_copy(update=settings), known, StandardiseConfig(), 1)


def test_measured_and_computed_properties_are_stored_in_their_units(
    measured, known, small_train_config, tmp_path, monkeypatch
):
    monkeypatch.setattr(molvae.files, "BLOCK_ROWS", 37)
    start = start_with(known, small_train_config, property_head={"pIC50": 1.0, "logp": 2.0})
    write_data(measured, tmp_path / "data", start, 1, "a")
    opened = open_data(tmp_path / "data")
    molecules = read_table(measured / "molecules.parquet")
    molecules["logp"] = compute_properties(molecules["smiles"].tolist(), ["logp"])["logp"]
    for split in ("train", "validation"):
        rows = molecules[molecules["split"] == split]
        expected = rows[["property.pIC50", "logp"]].to_numpy(dtype=np.float32)
        np.testing.assert_array_equal(getattr(opened, split).properties, expected)
    assert [(scale.name, scale.unit) for scale in opened.train.scales] == [("pIC50", "-log10 M"), ("logp", "")]
    standardised = opened.train.standardised(np.arange(len(opened.train)), torch.device("cpu")).numpy()
    np.testing.assert_allclose(np.nanmean(standardised, 0), 0.0, atol=1e-5)
    np.testing.assert_allclose(np.nanstd(standardised, 0), 1.0, atol=1e-5)


def test_a_property_that_nobody_knows_is_refused(prepared, known, small_train_config, tmp_path):
    start = start_with(known, small_train_config, property_head={"pIC50": 1.0})
    with pytest.raises(ConfigError, match=r"property_head\.pIC50: expected a measured column .*they have none.* logp"):
        write_data(prepared, tmp_path / "data", start, 1, "a")


def test_a_property_without_different_values_is_refused(prepared, known, small_train_config, tmp_path):
    start = start_with(known, small_train_config, property_head={"formal_charge": 1.0})
    molecules = read_table(prepared / "molecules.parquet")
    neutral = compute_properties(molecules["smiles"].tolist(), ["formal_charge"])["formal_charge"] == 0
    shutil.copytree(prepared, tmp_path / "neutral")
    molecules[neutral.to_numpy()].to_parquet(tmp_path / "neutral" / "molecules.parquet")
    with pytest.raises(DataError, match=r"property_head\.formal_charge: expected different values"):
        write_data(tmp_path / "neutral", tmp_path / "data", start, 1, "a")


@pytest.fixture
def with_head(model, known, small_train_config, tmp_path):
    """Return the settings to train a model further that predicts pIC50 in `-log10 M`."""
    config = small_train_config.model_copy(update={"property_head": {"pIC50": 1.0}})
    vae = starting_point(config, known, StandardiseConfig(), 3).vae
    scales = (PropertyScale("pIC50", "-log10 M", 6.5, 1.5),)
    MolVAE(vae, known, {}, model.generation, StandardiseConfig(), model.training, scales).save(tmp_path / "model")
    return config.model_copy(update={"init_from": str(tmp_path / "model"), "replay": 0.0})


def test_a_head_that_is_kept_keeps_its_scale(measured, known, with_head, tmp_path):
    write_data(measured, tmp_path / "data", start_with(known, with_head), 1, "a")
    [scale] = open_data(tmp_path / "data").train.scales
    assert (scale.mean, scale.std) == (6.5, 1.5)


def test_a_head_is_not_kept_for_values_in_another_unit(measured, known, with_head, tmp_path):
    summary = read_json(measured / "summary.json") | {"properties": {"pIC50": {"unit": "nM"}}}
    (measured / "summary.json").write_text(json.dumps(summary))
    message = r"property_head\.pIC50: expected values in '-log10 M', as of .*init_from, found values in 'nM'; convert"
    with pytest.raises(ConfigError, match=message):
        write_data(measured, tmp_path / "data", start_with(known, with_head), 1, "a")


def test_a_head_is_not_kept_for_values_that_are_all_the_same(measured, known, with_head, tmp_path):
    molecules = read_table(measured / "molecules.parquet").assign(**{"property.pIC50": 7.0})
    molecules.to_parquet(measured / "molecules.parquet")
    with pytest.raises(DataError, match=r"property_head\.pIC50: expected different values"):
        write_data(measured, tmp_path / "data", start_with(known, with_head), 1, "a")


def test_randomised_smiles_are_the_same_molecules_of_known_tokens(prepared, known, small_train_config, tmp_path):
    start = start_with(known, small_train_config, randomised_input=0.5)
    write_data(prepared, tmp_path / "data", start, 1, "a")
    train = open_data(tmp_path / "data").train
    assert len(train.randomised) == N_RANDOMISED * len(train)
    n_other = 0
    for row in range(30):
        canonical = known.decode(train.tokens.batch(np.array([row]))[0][0].tolist())
        for variant in range(N_RANDOMISED):
            place = np.array([row * N_RANDOMISED + variant])
            randomised = known.decode(train.randomised.batch(place)[0][0].tolist())
            assert selfies_to_smiles(randomised) == selfies_to_smiles(canonical)
            n_other += randomised != canonical
    assert n_other > 60


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_the_encoder_reads_a_fraction_of_the_molecules_from_randomised_smiles(
    prepared, known, small_train_config, tmp_path, fraction
):
    start = start_with(known, small_train_config, randomised_input=0.5)
    write_data(prepared, tmp_path / "data", start, 1, "a")
    train = open_data(tmp_path / "data").train
    rows = np.arange(len(train), dtype=np.uint32)
    config = start.config.model_copy(update={"randomised_input": fraction})
    batch, again = (train.draw_batch(rows, config, 1, 7, torch.device("cpu")) for _ in range(2))
    assert torch.equal(batch.encoder_ids, again.encoder_ids)
    canonical = train.tokens.batch(rows)[0]
    assert torch.equal(batch.token_ids, canonical)
    width = max(canonical.shape[1], batch.encoder_ids.shape[1])
    pad = torch.nn.functional.pad
    read, written = (
        pad(ids[: batch.n_conditional], (0, width - ids.shape[1])) for ids in (batch.encoder_ids, canonical)
    )
    other = (read != written).any(1).float().mean().item()
    assert other == pytest.approx(fraction * 0.95, abs=0.08)


def test_the_number_of_processes_changes_nothing(prepared, known, small_train_config, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "processes_for", lambda n, n_jobs: n_jobs)
    monkeypatch.setattr(molvae.files, "BLOCK_ROWS", 100)
    start = start_with(known, small_train_config, randomised_input=0.5, property_head={"logp": 1.0})
    for n_jobs in (1, 2):
        write_data(prepared, tmp_path / str(n_jobs), start, 1, "a", n_jobs)
    for path in (tmp_path / "1").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "2" / path.relative_to(tmp_path / "1")).read_bytes()


def test_replayed_molecules_have_no_measured_values(measured, known, small_train_config, model, tmp_path):
    model.save(tmp_path / "model")
    settings = {"init_from": str(tmp_path / "model"), "replay": 0.5, "property_head": {"pIC50": 1.0, "logp": 1.0}}
    write_data(measured, tmp_path / "data", start_with(known, small_train_config, **settings), 1, "a")
    opened = open_data(tmp_path / "data")
    train = opened.train
    n_new = int((read_table(measured / "molecules.parquet")["split"] == "train").sum())
    assert train.n_new == n_new
    assert len(train) > 1.8 * n_new
    assert np.isnan(train.properties[n_new:, 0]).all()
    assert np.isfinite(train.properties[n_new:, 1]).all()


def test_only_new_molecules_are_decoded_unconditionally(store, small_train_config):
    config = small_train_config.model_copy(update={"code_dropout": 0.5})
    molecules = Molecules(store, n_added=200)
    rows = np.arange(60, 140, dtype=np.uint32)
    batch = molecules.draw_batch(rows, config, 1, 0, torch.device("cpu"))
    assert batch.n_unconditional == 20
    new = {tuple(row[row > 0].tolist()) for row in store.batch(np.arange(60, 100))[0]}
    assert all(tuple(row[row > 0].tolist()) in new for row in batch.token_ids[batch.n_conditional :])
    assert sum(tuple(row[row > 0].tolist()) in new for row in batch.token_ids) == 40
