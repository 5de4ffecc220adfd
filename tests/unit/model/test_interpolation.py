import numpy as np
import pytest
import torch

from molvae.model.interpolation import between, decode_around, decode_line


@pytest.fixture
def codes(model):
    return 2.0 * torch.randn(40, model.latent_dim, generator=torch.Generator().manual_seed(0))


def test_on_a_code_the_code_alone_decides(model, codes):
    generator = torch.Generator().manual_seed(1)
    assert decode_around(model, codes, 0.0, generator) == model.generate(codes)
    ends = torch.arange(len(codes)) % 2.0
    at_ends = decode_line(model, codes, codes.roll(1, 0), ends, generator)
    assert at_ends == model.generate(torch.where(ends[:, None] == 0.0, codes, codes.roll(1, 0)))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_between_two_codes_is_one_as_long_as_they_are(codes, share):
    ends = codes.roll(1, 0)
    found = between(codes, ends, torch.full((len(codes), 1), share))
    length = (1.0 - share) * codes.norm(dim=1) + share * ends.norm(dim=1)
    torch.testing.assert_close(found.norm(dim=1), length)
    line = torch.lerp(codes, ends, share)
    torch.testing.assert_close(torch.cosine_similarity(found, line), torch.ones(len(codes)))


def test_between_opposite_codes_is_a_code_too(codes):
    assert torch.isfinite(between(codes, -codes, torch.full((len(codes), 1), 0.5))).all()


def test_the_same_generator_decodes_the_same(model, codes):
    first, again = (decode_around(model, codes, 1.0, torch.Generator().manual_seed(2)) for _ in range(2))
    assert first == again


def test_it_finds_what_is_likelier_without_a_code(model, codes):
    beside = decode_around(model, codes, 0.5, torch.Generator().manual_seed(1))
    plain = model.generate(codes + 0.5 * torch.randn(codes.shape, generator=torch.Generator().manual_seed(1)))
    assert np.nanmean(model.anomaly_score(beside)) < np.nanmean(model.anomaly_score(plain))
