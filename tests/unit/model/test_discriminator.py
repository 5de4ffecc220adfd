from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from molvae.errors import CheckpointError, ConfigError
from molvae.model.discriminator import N_FEATURES, Discriminator, features_of
from molvae.model.loading import load

AMINES = [f"{'C' * n}N" for n in range(1, 40)]
ALCOHOLS = [f"{'C' * n}O" for n in range(1, 40)]


@pytest.fixture(scope="module")
def discriminator():
    is_training = np.arange(len(AMINES) + len(ALCOHOLS)) >= len(AMINES)
    return Discriminator.fit(features_of([*AMINES, *ALCOHOLS]), is_training)


@pytest.fixture
def corrected(model, smiles, discriminator):
    copied = model.copy()
    copied.discriminator = discriminator
    return copied


def test_what_training_has_more_often_is_accepted_more_often(discriminator):
    unlike, like = (discriminator.log_acceptance([f"CC(C)CC{end}"])[0] for end in "NO")
    assert unlike < like <= 0.0


def test_what_is_no_molecule_is_accepted(discriminator):
    accepted = discriminator.log_acceptance(["C1CC", None, *AMINES])
    assert accepted[:2].tolist() == [0.0, 0.0]
    assert accepted[2:].min() < 0.0
    assert discriminator.log_acceptance([]).tolist() == []


def test_few_of_the_samples_are_accepted_whatever_their_ratio(discriminator):
    always = (discriminator.log_acceptance(AMINES) == 0.0).mean()
    assert 0.0 < always < 0.15


@given(st.integers(0, 2**31 - 1))
def test_what_is_stored_comes_back(seed):
    weights = np.random.default_rng(seed).normal(size=N_FEATURES + 1).astype(np.float32)
    first = Discriminator(weights, 0.5)
    again = Discriminator.from_state(first.state())
    assert again.log_acceptance(AMINES[:3]).tolist() == first.log_acceptance(AMINES[:3]).tolist()


def params(model, power):
    return replace(model.sampling_params(), correction=power)


def test_corrected_samples_have_what_training_has_more_often(corrected):
    plain, chosen = (corrected.sample(200, 5, params=params(corrected, power)) for power in (0.0, 1.0))
    assert len(chosen) == 200
    means = [corrected.discriminator.log_acceptance([s for s in of if s]).mean() for of in (plain, chosen)]
    assert means[1] > means[0]


def test_the_seed_decides_and_the_number_of_processes_does_not(corrected):
    first, second = (corrected.sample(60, 7, params=params(corrected, 1.0), n_jobs=jobs) for jobs in (1, 2))
    assert first == second
    assert corrected.sample(60, 8, params=params(corrected, 1.0)) != first


def test_a_random_number_of_0_accepts_what_can_be_accepted(corrected, monkeypatch):
    monkeypatch.setattr("molvae.model.model.torch.rand", lambda *_, **__: torch.zeros(()))
    assert len(corrected.sample(20, 1, params=params(corrected, 1.0))) == 20


def test_without_a_discriminator_a_correction_is_refused(model):
    with pytest.raises(ConfigError, match=r"sample\.correction: expected a model with a discriminator"):
        model.sample(1, 1, params=params(model, 1.0))


def test_a_power_that_accepts_nothing_ends_with_a_line(corrected, monkeypatch):
    monkeypatch.setattr(Discriminator, "log_acceptance", lambda _, smiles: np.full(len(smiles), -1e9))
    with pytest.raises(ConfigError, match=r"sample\.correction: expected to accept"):
        corrected.sample(5, 1, params=params(corrected, 1.0))


def test_a_model_is_saved_with_its_discriminator(corrected, tmp_path):
    corrected.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.sample(20, 3, params=params(again, 1.0)) == corrected.sample(20, 3, params=params(corrected, 1.0))


def test_a_discriminator_of_another_size_does_not_load(corrected, tmp_path):
    corrected.discriminator = Discriminator(np.zeros(7, np.float32), 0.0)
    corrected.save(tmp_path / "model")
    with pytest.raises(CheckpointError, match=r"discriminator: expected"):
        load(tmp_path / "model")
