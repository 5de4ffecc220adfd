import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from molvae.chem.fcd import Moments, chemnet_activations, chemnet_statistics, frechet_distance, moments
from molvae.errors import DataError


def gaussian(mean, scale, dimensions=3):
    return Moments(np.full(dimensions, float(mean)), np.eye(dimensions) * scale**2, 10)


def test_activations_are_those_of_the_fcd_package(smiles):
    from fcd import get_predictions, load_ref_model

    few = smiles[:40]
    expected = get_predictions(load_ref_model(), few, n_jobs=0, device="cpu")
    np.testing.assert_allclose(chemnet_activations(few), expected, atol=1e-5)


def test_the_distance_is_that_of_the_fcd_package(smiles):
    from fcd import calculate_frechet_distance

    a, b = chemnet_statistics(smiles[:80]), chemnet_statistics(smiles[80:160])
    expected = calculate_frechet_distance(a.mean, a.covariance, b.mean, b.covariance)
    assert frechet_distance(a, b) == pytest.approx(expected, abs=1e-4)


@given(st.floats(-3, 3), st.floats(0.1, 3), st.floats(-3, 3), st.floats(0.1, 3))
def test_round_gaussians_are_as_far_apart_as_their_formula_says(mean_a, scale_a, mean_b, scale_b):
    expected = 3 * (mean_a - mean_b) ** 2 + 3 * (scale_a - scale_b) ** 2
    assert frechet_distance(gaussian(mean_a, scale_a), gaussian(mean_b, scale_b)) == pytest.approx(expected, abs=1e-9)


def test_the_distance_is_symmetric_and_zero_to_itself():
    rng = np.random.default_rng(0)
    a, b = (moments([rng.normal(size=(30, 6)).astype(np.float32)]) for _ in range(2))
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_a_very_long_molecule_changes_no_other(smiles):
    few = smiles[:5]
    with_long = chemnet_activations([*few[:3], "C" * 400, *few[3:]])
    np.testing.assert_allclose(np.delete(with_long, 3, axis=0), chemnet_activations(few), atol=1e-5)


def test_the_number_of_torch_threads_is_as_before():
    before = torch.get_num_threads()
    chemnet_activations(["CCO"])
    assert torch.get_num_threads() == before


def test_no_molecules_have_no_activations():
    assert chemnet_activations([]).shape == (0, 512)


def test_one_molecule_is_too_few():
    with pytest.raises(DataError, match="at least 2 valid molecules, found 1"):
        chemnet_statistics(["CCO"])
