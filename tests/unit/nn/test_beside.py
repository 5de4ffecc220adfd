import pytest
import torch

from molvae.chem.vocabulary import PAD_ID
from molvae.nn.beside import write_beside


@pytest.fixture
def codes(model):
    return torch.randn(20, model.latent_dim, generator=torch.Generator().manual_seed(0))


def padded(token_ids: torch.Tensor, length: int) -> torch.Tensor:
    return torch.nn.functional.pad(token_ids, (0, length - token_ids.shape[1]), value=PAD_ID)


def test_on_a_code_it_writes_what_the_code_says(model, codes):
    none = torch.zeros(len(codes))
    written = write_beside(model.vae, codes, none, none, 30, torch.Generator().manual_seed(1))
    assert torch.equal(written, padded(model.vae.decoder.generate(codes, 30), 30))


def test_the_same_generator_writes_the_same(model, codes):
    off = torch.ones(len(codes))
    first, again = (write_beside(model.vae, codes, off, off, 30, torch.Generator().manual_seed(2)) for _ in range(2))
    assert torch.equal(first, again)


@pytest.mark.parametrize(("weight", "alone"), [(1.0, "code"), (0.0, "no code")])
def test_a_weight_at_either_end_is_one_decoder_alone(model, codes, weight, alone):
    z = codes if alone == "code" else torch.zeros_like(codes)
    mixed = model.vae.decoder.generate(codes, 30, code_weight=torch.full((len(codes),), weight))
    expected = model.vae.decoder.generate(z, 30)
    width = max(mixed.shape[1], expected.shape[1])
    assert torch.equal(padded(mixed, width), padded(expected, width))


def test_each_row_has_its_own_weight(model, codes):
    weight = torch.arange(len(codes)) % 2.0
    mixed = padded(model.vae.decoder.generate(codes, 30, code_weight=weight), 30)
    for value in (0.0, 1.0):
        rows = weight == value
        alone = model.vae.decoder.generate(codes[rows], 30, code_weight=weight[rows])
        assert torch.equal(mixed[rows], padded(alone, 30))
