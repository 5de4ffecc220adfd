import json
import math
import re

import numpy as np
import pandas as pd
import pytest
import torch

import molvae
from molvae.chem.descriptors import compute_properties
from molvae.config import PrepareConfig, TrainConfig
from molvae.errors import ConfigError, DataError
from molvae.model.records import PriorTrial
from molvae.prepare import prepare
from molvae.sampling import SamplingParams
from molvae.train import choose_prior, stage, train
from molvae.train.choose_prior import settings_at_edge


@pytest.fixture(scope="module")
def trained(prepared, small_train_config, tmp_path_factory):
    out = tmp_path_factory.mktemp("train")
    train(prepared, out, one_epoch(small_train_config), seed=1)
    return out


def one_epoch(config):
    return config.model_copy(
        update={"epochs": 1, "min_probabilities": [0.0, 0.3], "rejected_fractions": [0.0, 0.2, 0.5]}
    )


def test_it_writes_a_model_and_a_history_and_tidies_up(trained):
    assert sorted(path.name for path in trained.iterdir()) == ["history.csv", "model"]
    names = sorted(path.name for path in (trained / "model").iterdir())
    assert names == ["config.json", "model.safetensors", "vocabulary.json"]
    assert pd.read_csv(trained / "history.csv")["epoch"].tolist() == [1]


def test_the_chosen_prior_has_the_lowest_validation_fcd(trained):
    config = json.loads((trained / "model" / "config.json").read_text())
    trials = config["training"]["trials"]
    names = ("normal", "gaussian_mixture", "decoder")
    tried = {(trial["prior"], trial["min_probability"], trial["rejected_fraction"]): trial for trial in trials}
    assert set(tried) == {(name, p, fraction) for name in names for p in (0.0, 0.3) for fraction in (0.0, 0.2, 0.5)}
    for name in names:
        plain, bounded, accepted = (tried[name, *bounds]["validation_fcd"] for bounds in [(0, 0), (0.3, 0), (0, 0.5)])
        assert plain not in (bounded, accepted)
        assert tried[name, 0.0, 0.0]["max_nll"] is None
        assert tried[name, 0.0, 0.5]["max_nll"] < tried[name, 0.0, 0.2]["max_nll"]
    assert config["generation"]["prior"] == min(trials, key=lambda trial: trial["validation_fcd"])["prior"]


def test_the_same_seed_gives_the_same_bytes(trained, prepared, small_train_config, tmp_path):
    train(prepared, tmp_path, one_epoch(small_train_config), seed=1)
    for name in ("model.safetensors", "config.json"):
        assert (tmp_path / "model" / name).read_bytes() == (trained / "model" / name).read_bytes()


def test_another_number_of_threads_gives_the_same_losses_up_to_rounding(prepared, small_train_config, tmp_path):
    # Both cores have a part of such a batch.
    config = small_train_config.model_copy(update={"batch_size": 128, "epochs": 6})
    before = torch.get_num_threads()
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            train(prepared, tmp_path / str(n_threads), config, seed=1)
    finally:
        torch.set_num_threads(before)
    one, two = (pd.read_csv(tmp_path / name / "history.csv").drop(columns="seconds") for name in "12")
    pd.testing.assert_frame_equal(one, two, rtol=1e-3, atol=1e-3)
    assert not one.equals(two)


def test_the_decoder_prior_needs_code_dropout(prepared, small_train_config, tmp_path):
    config = small_train_config.model_copy(update={"epochs": 1, "code_dropout": 0.0})
    train(prepared, tmp_path, config, seed=1)
    assert set(molvae.load(tmp_path / "model", "cpu").priors) == {"normal", "gaussian_mixture"}


def test_a_missing_folder_is_named(small_train_config, tmp_path):
    with pytest.raises(DataError, match=r"molecules\.parquet: expected a file"):
        train(tmp_path / "none", tmp_path / "out", small_train_config, seed=1)
    assert not (tmp_path / "out").exists()


def test_bfloat16_on_a_gpu_is_refused_before_the_work(prepared, small_train_config, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "choose_device", lambda _: torch.device("cuda"))
    config = small_train_config.model_copy(update={"precision": "bfloat16"})
    with pytest.raises(ConfigError, match=r"train\.precision"):
        train(prepared, tmp_path / "out", config, seed=1)
    assert not (tmp_path / "out").exists()


def test_a_property_head_is_trained_saved_and_used(prepared, small_train_config, smiles, tmp_path):
    settings = {"epochs": 2, "property_head": {"heavy_atoms": 1.0, "logp": 2.0}, "randomised_input": 0.3}
    train(prepared, tmp_path, small_train_config.model_copy(update=settings), seed=1)
    history = pd.read_csv(tmp_path / "history.csv")
    assert np.isfinite(history[["train_property_nats", "validation_property_nats"]]).all(axis=None)
    loaded = molvae.load(tmp_path / "model", "cpu")
    predicted = loaded.predict([*smiles[:100], "nonsense"])
    assert list(predicted.columns) == ["heavy_atoms", "logp"]
    assert predicted.iloc[100].isna().all()
    # Hardly trained, the head says little more than the mean, but in the right unit.
    assert predicted["heavy_atoms"].mean() == pytest.approx(loaded.scales[0].mean, abs=loaded.scales[0].std)
    expected = compute_properties(smiles, ["heavy_atoms"])["heavy_atoms"]
    assert loaded.scales[0].mean == pytest.approx(expected.mean(), rel=0.05)
    pd.testing.assert_frame_equal(loaded.predict(loaded.encode(smiles[:9])), predicted[:9])
    for kind in (str, object):
        pd.testing.assert_frame_equal(loaded.predict(np.array(smiles[:9], dtype=kind)), predicted[:9])


def test_a_model_without_a_head_predicts_nothing(trained):
    with pytest.raises(ConfigError, match=r"trained with train\.property_head"):
        molvae.load(trained / "model", "cpu").predict(["CCO"])


def test_the_most_probable_samples_are_accepted(model, small_train_config, monkeypatch):
    """A stand-in for the decoder generates carbon chains of 1, 2, 3, ... atoms, each more probable than the last."""
    carbon = model.vocabulary.tokens.index("[C]")
    generated = [([carbon] * length, 100.0 - length) for length in range(1, 41)]
    lengths = []
    monkeypatch.setattr(choose_prior, "generate_sequences", lambda *_, **__: generated)
    monkeypatch.setattr(
        choose_prior, "activations_of_many", lambda smiles, _: np.array([[len(molecule)] for molecule in smiles])
    )
    monkeypatch.setattr(choose_prior, "moments", lambda parts: lengths.append(sorted(parts[0][:, 0])))
    monkeypatch.setattr(choose_prior, "frechet_distance", lambda *_: 1.0)
    config = small_train_config.model_copy(update={"rejected_fractions": [0.0, 0.5]})
    trials = list(choose_prior._trials(model, "decoder", 0.0, 20, None, config, 1, 1))
    assert lengths == [list(range(1, 21)), list(range(21, 41))]
    assert [trial.params.max_nll for trial in trials] == [np.inf, 79.5]


def test_only_settings_that_can_still_win_are_tried_on_all_samples(model, small_train_config, monkeypatch):
    fcds = {"normal": 9.0, "flow": 8.0, "gaussian_mixture": 1.1, "decoder": 1.0}

    def trials(_, prior, min_probability, n, *__):
        # On many samples the second becomes the first.
        fcd = 0.1 if (prior, n) == ("gaussian_mixture", 1000) else fcds[prior] + min_probability
        params = SamplingParams(min_probability=min_probability, max_length=9)
        yield PriorTrial(prior, params, 0.0, fcd, n)

    monkeypatch.setattr(choose_prior, "_trials", trials)
    config = small_train_config.model_copy(update={"prior_samples": 1000, "min_probabilities": [0.0, 0.3]})
    tried = choose_prior._race(model, None, config, 1, 1)
    assert {(t.prior, t.params.min_probability): t.n for t in tried} == {
        ("normal", 0.0): 400,
        ("normal", 0.3): 400,
        ("gaussian_mixture", 0.0): 1000,
        ("gaussian_mixture", 0.3): 400,
        ("decoder", 0.0): 1000,
        ("decoder", 0.3): 400,
        ("flow", 0.0): 400,
        ("flow", 0.3): 400,
    }


def test_replayed_molecules_and_new_tokens_are_told(model, small_train_config, tmp_path, caplog):
    caplog.set_level("INFO", "molvae")
    smiles = [f"{'C' * n}I" for n in range(3, 40)] + ["C" * n for n in range(3, 40)]
    (tmp_path / "own.smi").write_text("\n".join(smiles) + "\n")
    config = PrepareConfig(validation_fraction=0.2, test_fraction=0.2)
    prepare([tmp_path / "own.smi"], tmp_path / "prepare", config, seed=1, test_input=None)
    assert (
        "of the models that come with molvae (train.init_from), zinc250k reads all; moses cannot read 37 of 74 ([I])"
        in (caplog.text)
    )
    model.save(tmp_path / "base")
    update = {"init_from": str(tmp_path / "base"), "replay": 0.5}
    train(tmp_path / "prepare", tmp_path / "train", one_epoch(small_train_config).model_copy(update=update), seed=1)
    assert re.search(r"on \d+ molecules, 44 yours \+ \d+ replayed \(train\.replay\); 15 to validate", caplog.text)
    assert "base cannot read 37 of 74 ([I]) of the molecules" in caplog.text
    assert "learns these tokens from them alone; zinc250k reads all" in caplog.text


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ((0.05, 0.2), ["train.min_probabilities 0.05", "train.rejected_fractions 0.2"]),
        ((0.02, 0.2), ["train.rejected_fractions 0.2"]),
        ((0.0, 0.0), []),
    ],
)
def test_a_prior_at_the_end_of_what_was_tried_is_told(chosen, told):
    trial = PriorTrial("decoder", SamplingParams(min_probability=chosen[0], max_length=60), chosen[1], 1.0, 100)
    assert settings_at_edge(trial, TrainConfig()) == told


def test_a_single_value_is_no_edge():
    trial = PriorTrial("decoder", SamplingParams(min_probability=0.05, max_length=60), 0.2, 1.0, 100)
    assert settings_at_edge(trial, TrainConfig(min_probabilities=[0.05], rejected_fractions=[0.2])) == []


def test_samples_are_corrected_by_powers_of_the_density_ratio(small_train_config, prepared, tmp_path):
    config = small_train_config.model_copy(update={"epochs": 1, "corrections": [0.5, 1.0], "discriminator_samples": 80})
    train(prepared, tmp_path, config, seed=1, device="cpu")
    model = molvae.load(tmp_path / "model", "cpu")
    corrected = [trial for trial in model.training.trials if trial.params.correction]
    assert [trial.params.correction for trial in corrected] == [0.5, 1.0]
    # What the discriminator accepts takes the place of what is rejected by its likelihood.
    assert {(trial.prior, trial.params.max_nll) for trial in corrected} == {(model.generation.prior, math.inf)}
    assert model.discriminator is not None
    best = min(model.training.trials, key=lambda trial: trial.validation_fcd)
    assert model.sampling_params() == best.params
    assert len(model.sample(20, 1, params=corrected[1].params)) == 20
    assert not model.training.best_trial(corrected=False).params.correction
