from dataclasses import replace

import pytest
import torch

from molvae.sampling import SamplingParams
from molvae.vocabulary import EOS_ID, PAD_ID

GREEDY = SamplingParams(temperature=0.0, max_length=30)


@pytest.fixture
def codes(model):
    return torch.randn(20, model.latent_dim, generator=torch.Generator().manual_seed(0))


def padded(token_ids: torch.Tensor, length: int = 30) -> torch.Tensor:
    return torch.nn.functional.pad(token_ids, (0, length - token_ids.shape[1]), value=PAD_ID)


@pytest.mark.parametrize("weight", [1.0, 0.0], ids=["conditional", "unconditional"])
def test_a_weight_at_either_end_is_one_decoder_alone(model, codes, weight):
    mixed, _ = model.vae.decoder.generate(codes, GREEDY, code_weight=torch.full((len(codes),), weight))
    assert torch.equal(padded(mixed), padded(model.vae.decoder.generate(weight * codes, GREEDY)[0]))


def test_each_row_has_its_own_weight(model, codes):
    weight = torch.arange(len(codes)) % 2.0
    mixed, _ = model.vae.decoder.generate(codes, GREEDY, code_weight=weight)
    assert torch.equal(padded(mixed), padded(model.vae.decoder.generate(weight[:, None] * codes, GREEDY)[0]))


def test_between_the_ends_both_decoders_contribute(model, codes):
    half = torch.full((len(codes),), 0.5)
    mixed = model.vae.decoder.generate(codes, replace(GREEDY, max_length=1), code_weight=half)[0][:, 0]
    start = torch.full((len(codes), 1), PAD_ID)
    conditional, unconditional = (model.vae.logits(start, z)[:, 0].log_softmax(1) for z in (codes, 0.0 * codes))
    # Neither padding, the start nor the end token is generated first.
    assert torch.equal(mixed, (conditional + unconditional)[:, 3:].argmax(1) + 3)


def test_a_sequence_above_max_nll_is_abandoned(model, codes):
    def generate(max_nll):
        params = SamplingParams(max_nll=max_nll, max_length=30)
        return model.vae.decoder.generate(codes, params, torch.Generator().manual_seed(1))

    tokens, nll = generate(10.0)
    assert 0 < (nll <= 10.0).sum() < len(codes)
    assert tokens[nll > 10.0].count_nonzero(1).float().mean() < generate(torch.inf)[0].count_nonzero(1).float().mean()
    assert ((tokens == EOS_ID).any(1) | (tokens != PAD_ID).all(1))[nll <= 10.0].all()
