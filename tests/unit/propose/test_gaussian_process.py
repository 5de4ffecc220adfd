import numpy as np
import pytest
from rdkit import Chem

from molvae.chem.count_features import take
from molvae.propose.gaussian_process import MAX_MOLECULES, GaussianProcess, _best_and_others
from molvae.propose.kernels import KERNELS, N_DESCRIPTORS, References, plate_features, prior_variances


@pytest.fixture(scope="module")
def mols(smiles):
    return [Chem.MolFromSmiles(text) for text in smiles[:160]]


@pytest.fixture(scope="module")
def features(mols):
    return plate_features(mols)


@pytest.fixture(scope="module")
def sizes(mols):
    return np.array([float(mol.GetNumHeavyAtoms()) for mol in mols])


def test_each_kernel_is_symmetric_and_positive_and_its_diagonal_known(features):
    references = References(features)
    for name in KERNELS:
        matrix = references.kernel(name, features).numpy().astype(float)
        assert np.allclose(matrix, matrix.T, atol=1e-5), name
        assert np.linalg.eigvalsh(matrix).min() > -1e-3, name
        assert np.allclose(matrix.diagonal(), prior_variances(features, {name: 1.0}), atol=1e-5), name


def test_no_molecules_have_features_of_the_right_shape():
    assert plate_features([])["descriptors"].shape == (0, N_DESCRIPTORS)
    assert plate_features([])["pairs"].shape[0] == 0


def test_a_column_that_follows_size_is_predicted_from_descriptors(features, sizes):
    process = GaussianProcess(take(features, slice(0, 100)), sizes[:100], seed=1)
    mean, deviation = process.predict(take(features, slice(100, None)))
    assert np.corrcoef(mean, sizes[100:])[0, 1] > 0.95
    assert np.all(deviation > 0.0)
    weights = process.weights
    assert weights["linear"] + weights["descriptors"] > max(weights["ecfp4"], weights["pairs"])


def test_the_mean_function_predicts_the_same_alone(features, sizes):
    process = GaussianProcess(take(features, slice(0, 60)), sizes[:60], seed=1)
    assert np.allclose(process.mean(features), process.predict(features)[0], rtol=1e-4)


def test_leave_one_out_errors_are_those_of_processes_without_the_molecule(features, sizes):
    values = sizes[:40] + np.random.default_rng(0).normal(size=40)
    process = GaussianProcess(take(features, slice(0, 40)), values, seed=1)
    errors = process.scaled_errors()
    assert errors.shape == (40,)
    # With the kernel as it is, and molecule 7 left out by hand.
    kernel = References(take(features, slice(0, 40))).similarities(take(features, slice(0, 40)), process.weights)
    matrix = kernel.astype(float) + process.noise * np.eye(40)
    targets, others = (values - values.mean()) / values.std(), np.arange(40) != 7
    solved = np.linalg.solve(matrix[np.ix_(others, others)], np.column_stack([targets[others], matrix[others, 7]]))
    mean, variance = matrix[7, others] @ solved[:, 0], matrix[7, 7] - matrix[7, others] @ solved[:, 1]
    assert errors[7] == pytest.approx(abs(targets[7] - mean) / np.sqrt(variance), rel=1e-3)


def test_it_is_the_same_for_the_same_seed(features, sizes):
    first, second = (GaussianProcess(features, sizes, seed=3).mean(features) for _ in range(2))
    assert np.array_equal(first, second)


def test_of_too_many_molecules_the_best_half_is_held():
    values = np.random.default_rng(1).normal(size=2 * MAX_MOLECULES)
    rows = _best_and_others(values, MAX_MOLECULES, np.random.default_rng(2))
    assert len(np.unique(rows)) == MAX_MOLECULES
    assert set(np.argsort(-values)[: MAX_MOLECULES // 2]) <= set(rows.tolist())
