import numpy as np
import pytest
import torch

from molvae.chem.fingerprints import morgan_bits
from molvae.evaluate.latent import by_dimension, posterior_metrics, similarity_by_distance


def test_codes_that_follow_the_structure_are_told_from_random_ones(smiles):
    bits = np.unpackbits(morgan_bits(smiles[:100], 2048), axis=1)
    structural = torch.from_numpy(bits.astype(np.float32))
    random = torch.randn(100, 8, generator=torch.Generator().manual_seed(0))
    assert similarity_by_distance(smiles[:100], structural)[0].value < -0.4
    assert abs(similarity_by_distance(smiles[:100], random)[0].value) < 0.1


def test_bins_hold_every_pair_nearest_first(smiles):
    codes = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    correlation, bins = similarity_by_distance(smiles[:60], codes)
    assert correlation.n == sum(row["n"] for row in bins) == 60 * 59 // 2
    distances = [row["distance"] for row in bins]
    assert distances == sorted(distances)


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_pairs_have_no_correlation(smiles, n):
    correlation, bins = similarity_by_distance(smiles[:n], torch.zeros(n, 4))
    assert np.isnan(correlation.value)
    assert len(bins) == n - 1


def test_a_collapsed_dimension_costs_nothing_and_is_not_active():
    generator = torch.Generator().manual_seed(0)
    mu = torch.stack([torch.zeros(500), torch.randn(500, generator=generator)], dim=1)
    log_var = torch.stack([torch.zeros(500), torch.full((500,), -4.0)], dim=1)
    silent, speaking = by_dimension(mu, log_var)
    assert silent == {"kl_nats": 0.0, "mean_variance": 0.0}
    assert speaking["kl_nats"] > 1.0
    assert posterior_metrics(mu, log_var)["active_units"].value == 1.0
