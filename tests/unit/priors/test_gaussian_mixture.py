import torch

from molvae.config import TrainConfig
from molvae.priors.gaussian_mixture import GaussianMixturePrior


def test_it_finds_two_clusters_and_their_shape():
    generator = torch.Generator().manual_seed(0)
    stretch = torch.tensor([[2.0, 0.0], [1.0, 0.5]])
    left = torch.randn(3000, 2, generator=generator) @ stretch.T - 10.0
    right = torch.randn(1000, 2, generator=generator) + 10.0
    codes = torch.cat([left, right])[torch.randperm(4000, generator=generator)]
    prior = GaussianMixturePrior.fit(codes, TrainConfig(prior_components=2), seed=1)
    drawn = prior.sample(20_000, generator)
    is_left = drawn[:, 0] < 0
    assert abs(is_left.float().mean() - 0.75) < 0.02
    torch.testing.assert_close(torch.cov(drawn[is_left].T), stretch @ stretch.T, atol=0.25, rtol=0.05)
    torch.testing.assert_close(drawn[~is_left].mean(0), torch.tensor([10.0, 10.0]), atol=0.1, rtol=0)
