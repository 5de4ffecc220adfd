import pytest
import torch
from torch.distributions import Categorical, Normal, kl_divergence

from molvae.nn.losses import kl_to_standard_normal, sequence_nll, with_free_bits


def test_kl_agrees_with_torch_distributions():
    generator = torch.Generator().manual_seed(0)
    mu, log_var = torch.randn(5, 3, generator=generator), torch.randn(5, 3, generator=generator)
    expected = kl_divergence(Normal(mu, torch.exp(0.5 * log_var)), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_to_standard_normal(mu, log_var), expected)


def test_kl_of_the_standard_normal_to_itself_is_zero():
    assert kl_to_standard_normal(torch.zeros(1, 4), torch.zeros(1, 4)).sum() == 0.0


def test_the_sequence_nll_sums_over_real_tokens_only():
    logits = torch.randn(1, 3, 4, generator=torch.Generator().manual_seed(0))
    token_ids = torch.tensor([[3, 2, 0]])
    expected = -sum(Categorical(logits=logits[0, step]).log_prob(token_ids[0, step]) for step in range(2))
    assert sequence_nll(logits, token_ids)[0].item() == pytest.approx(expected.item())


def test_free_bits_charge_each_dimension_at_least_that_much():
    kl = torch.tensor([[0.0, 2.0], [0.1, 4.0]])
    assert with_free_bits(kl, 0.5).item() == pytest.approx(0.5 + 3.0)
    assert with_free_bits(kl, 0.0).item() == pytest.approx(0.05 + 3.0)
