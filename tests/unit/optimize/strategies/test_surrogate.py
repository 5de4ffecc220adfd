import numpy as np
import pytest
from rdkit import Chem

from molvae.chem.count_features import compute_features, take
from molvae.chem.count_kernels import KERNELS, References
from molvae.chem.descriptors import compute_properties
from molvae.config import SurrogateConfig
from molvae.optimize.strategies.surrogate import Surrogate


@pytest.fixture(scope="module")
def data(smiles):
    features = compute_features([Chem.MolFromSmiles(text) for text in smiles])
    return features, compute_properties(smiles, ["logp"])["logp"].to_numpy()


def fit(features, scores, steps=(200,), **settings):
    surrogate = Surrogate(SurrogateConfig(**settings), seed=1)
    first = 0
    for end in steps:
        surrogate.add(take(features, slice(first, end)))
        surrogate.fit(scores[:end])
        first = end
    return surrogate


def test_it_ranks_molecules_that_it_has_not_seen(data):
    features, logp = data
    mean, _ = fit(features, logp).predict(take(features, slice(200, None)))
    assert np.corrcoef(mean, logp[200:])[0, 1] > 0.6


def test_it_is_surer_of_what_it_has_seen(data):
    features, logp = data
    surrogate = fit(features, logp)
    _, seen = surrogate.predict(take(features, slice(0, 200)))
    _, unseen = surrogate.predict(take(features, slice(200, None)))
    assert seen.max() < np.median(unseen)


def test_adding_molecules_is_as_good_as_fitting_all_at_once(data):
    features, logp = data
    rest = take(features, slice(200, None))
    # The kernel is chosen at the first fit, and is the same where the first fit sees all.
    settings = {"max_to_choose": 8}
    surrogate = fit(features, logp, (150, 170, 200), **settings)
    other = fit(features, logp, (200,), **settings)
    other.kernel = surrogate.kernel
    other._matrix = np.empty((0, 0), np.float32)
    other.fit(logp[:200])
    np.testing.assert_allclose(surrogate.predict(rest)[0], other.predict(rest)[0], atol=1e-3)


def test_it_keeps_the_best_and_a_part_of_the_others(data):
    features, logp = data
    surrogate = fit(features, logp, (100, 200), max_molecules=120)
    best = np.argsort(-logp[:200])[:40]
    assert set(best) <= set(surrogate._rows)
    assert len(surrogate._rows) == 80


def test_scores_that_are_all_the_same_are_no_trouble(data):
    mean, deviation = fit(data[0], np.full(300, 0.5)).predict(take(data[0], slice(200, None)))
    np.testing.assert_allclose(mean, 0.5)
    assert np.isfinite(deviation).all()


def test_tiny_scores_are_ranked(data):
    features, logp = data
    tiny = np.exp(30.0 * (logp - logp.max()) - 5.0)
    ranked = fit(features, tiny).values
    assert np.corrcoef(ranked, logp[:200])[0, 1] > 0.9
    assert np.corrcoef(fit(features, tiny, rank_below=0.0).values, logp[:200])[0, 1] < 0.5


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_is_one_between_a_molecule_and_itself(data, kernel):
    features = take(data[0], slice(0, 50))
    similarities = References(features).similarities(features, kernel)
    np.testing.assert_allclose(np.diag(similarities), 1.0, atol=1e-6)
    assert sum(kernel.values()) == pytest.approx(1.0)
    assert np.linalg.eigvalsh(similarities.astype(np.float64)).min() > -1e-5
