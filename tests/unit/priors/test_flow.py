import torch

from molvae.config import TrainConfig
from molvae.priors.flow import FlowPrior

SETTINGS = TrainConfig(flow_width=32, flow_steps=300)


def ring(n: int, generator: torch.Generator) -> torch.Tensor:
    angle = 6.2832 * torch.rand(n, generator=generator)
    points = torch.stack([angle.cos(), angle.sin()], dim=1) + 0.1 * torch.randn(n, 2, generator=generator)
    return 5.0 * points + torch.tensor([20.0, -3.0])


def test_it_learns_what_no_gaussian_can():
    generator = torch.Generator().manual_seed(0)
    prior = FlowPrior.fit(ring(4000, generator), SETTINGS, seed=1)
    radius = (prior.sample(1000, generator) - torch.tensor([20.0, -3.0])).norm(dim=1)
    # A Gaussian of the same moments has 22 % of its points within half the radius.
    assert (radius < 2.5).float().mean() < 0.08
    assert abs(radius.mean() - 5.0) < 0.5


def test_the_same_seed_fits_the_same_and_leaves_the_global_generator_alone():
    codes = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    few = SETTINGS.model_copy(update={"flow_steps": 5})
    before = torch.get_rng_state()
    first, again, other = (
        FlowPrior.fit(codes, few, seed).state()["velocity.output_layer.weight"] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_dimension_without_variance_stays_where_it_is():
    codes = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    codes[:, 1] = 7.0
    drawn = FlowPrior.fit(codes, SETTINGS.model_copy(update={"flow_steps": 5}), 1).sample(50, torch.Generator())
    torch.testing.assert_close(drawn[:, 1], torch.full((50,), 7.0), atol=1e-3, rtol=0)
