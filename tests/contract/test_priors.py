"""What every registered prior must do."""

import pytest
import torch

from molvae.config import TrainConfig
from molvae.priors import PRIORS


@pytest.fixture(params=PRIORS)
def prior(request):
    codes = torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
    return PRIORS[request.param].fit(codes, TrainConfig(prior_components=3, flow_width=16, flow_steps=5), seed=1)


def test_codes_have_the_right_shape_and_type(prior):
    codes = prior.sample(7, torch.Generator().manual_seed(1))
    assert codes.shape == (7, 4)
    assert codes.dtype == torch.float32
    assert torch.isfinite(codes).all()
    assert prior.sample(0, torch.Generator().manual_seed(1)).shape == (0, 4)


def test_it_has_a_title_and_a_phrase(prior):
    assert prior.title[0].isupper()
    assert prior.phrase.startswith("the ")


def test_a_prior_that_fits_no_codes_needs_only_their_size(prior):
    if not prior.fits_codes:
        of_none = type(prior).fit(torch.empty(0, 4), TrainConfig(), seed=1)
        assert of_none.state() == prior.state()


def test_the_same_generator_gives_the_same_codes(prior):
    draws = [prior.sample(5, torch.Generator().manual_seed(2)) for _ in range(2)]
    assert torch.equal(*draws)


def test_a_lower_temperature_keeps_codes_closer_together(prior):
    wide, narrow = (prior.sample(500, torch.Generator().manual_seed(4), t).var(0).sum() for t in (1.0, 0.5))
    assert narrow < 0.8 * wide or wide == narrow == 0.0


def test_its_state_makes_it_again(prior):
    again = type(prior).from_state(prior.state())
    expected = prior.sample(5, torch.Generator().manual_seed(3))
    assert all(tensor.device.type == "cpu" for tensor in prior.state().values())
    assert torch.equal(again.sample(5, torch.Generator().manual_seed(3)), expected)
