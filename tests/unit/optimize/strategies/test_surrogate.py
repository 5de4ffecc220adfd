import numpy as np
import pytest

from molvae.chem.descriptors import compute_properties
from molvae.chem.fingerprints import morgan_bits
from molvae.config import SurrogateConfig
from molvae.optimize.strategies.surrogate import TanimotoGP, expected_improvement


def fit(fingerprints, scores):
    return TanimotoGP.fit(fingerprints, scores, SurrogateConfig().noise_fractions)


@pytest.fixture(scope="module")
def data(smiles):
    return morgan_bits(smiles, 2048), compute_properties(smiles, ["logp"])["logp"].to_numpy()


def test_it_ranks_molecules_that_it_has_not_seen(data):
    fingerprints, logp = data
    mean, _ = fit(fingerprints[:200], logp[:200]).predict(fingerprints[200:])
    assert np.corrcoef(mean, logp[200:])[0, 1] > 0.4


def test_it_is_surer_of_what_it_has_seen(data):
    fingerprints, logp = data
    surrogate = fit(fingerprints[:200], logp[:200])
    _, seen = surrogate.predict(fingerprints[:200])
    _, unseen = surrogate.predict(fingerprints[200:])
    assert seen.max() < np.median(unseen)


def test_a_wholly_unlike_molecule_gets_the_mean_and_the_widest_spread(data):
    fingerprints, logp = data
    surrogate = fit(fingerprints[:200], logp[:200])
    mean, deviation = surrogate.predict(np.zeros_like(fingerprints[:1]))
    assert mean[0] == pytest.approx(logp[:200].mean())
    assert deviation[0] == pytest.approx(logp[:200].std() * np.sqrt(surrogate.signal))


def test_scores_that_are_all_the_same_are_no_trouble(data):
    mean, deviation = fit(data[0][:20], np.full(20, 0.5)).predict(data[0][20:30])
    np.testing.assert_allclose(mean, 0.5)
    assert np.isfinite(deviation).all()


def test_expected_improvement_against_a_simulation():
    mean, deviation = np.array([0.2, 0.6]), np.array([0.3, 0.1])
    draws = np.random.default_rng(0).normal(mean, deviation, size=(400_000, 2))
    simulated = np.maximum(draws - 0.5, 0.0).mean(0)
    np.testing.assert_allclose(expected_improvement(mean, deviation, 0.5), simulated, atol=1e-3)
