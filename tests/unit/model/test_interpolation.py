import numpy as np
import pytest
import torch

from molvae.model.interpolation import LatentRegion, interpolated


@pytest.fixture
def codes(model):
    return 2.0 * torch.randn(40, model.latent_dim, generator=torch.Generator().manual_seed(0))


def test_at_a_code_the_conditional_decoder_decides_alone(model, codes):
    generator = torch.Generator().manual_seed(1)
    assert model.decode_region(LatentRegion.around(codes, 0.0), generator) == model.generate(codes)
    t = torch.arange(len(codes)) % 2.0
    at_ends = model.decode_region(LatentRegion.between(codes, codes.roll(1, 0), t), generator)
    assert at_ends == model.generate(torch.where(t[:, None] == 0.0, codes, codes.roll(1, 0)))


@pytest.mark.parametrize("t", [0.0, 0.3, 0.5, 1.0])
def test_direction_and_norm_are_interpolated(codes, t):
    ends = codes.roll(1, 0)
    points = interpolated(codes, ends, torch.full((len(codes), 1), t))
    norm = (1.0 - t) * codes.norm(dim=1) + t * ends.norm(dim=1)
    torch.testing.assert_close(points.norm(dim=1), norm)
    line = torch.lerp(codes, ends, t)
    torch.testing.assert_close(torch.cosine_similarity(points, line), torch.ones(len(codes)))


def test_between_opposite_codes_is_a_code_too(codes):
    assert torch.isfinite(interpolated(codes, -codes, torch.full((len(codes), 1), 0.5))).all()


def test_the_same_generator_decodes_the_same(model, codes):
    region = LatentRegion.around(codes, 1.0)
    first, again = (model.decode_region(region, torch.Generator().manual_seed(2)) for _ in range(2))
    assert first == again


def test_the_result_is_more_probable_unconditionally_than_a_greedy_decoding(model, codes):
    region = LatentRegion.around(codes, 0.5)
    decoded = model.decode_region(region, torch.Generator().manual_seed(1))
    greedy = model.generate(region.sample(torch.Generator().manual_seed(1)))
    assert np.nanmean(model.anomaly_score(decoded)) < np.nanmean(model.anomaly_score(greedy))


def test_a_code_whose_candidates_are_no_molecules_gives_none(model, codes, monkeypatch):
    monkeypatch.setattr(model, "generate", lambda codes, **_: [None, "CCO"] * (len(codes) // 2))
    assert model.decode_region(LatentRegion.around(codes[:2], 0.5), torch.Generator().manual_seed(1)) == [None, "CCO"]
