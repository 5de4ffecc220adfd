import pytest
import torch

from molvae.vocabulary import EOS_ID, PAD_ID


@pytest.fixture
def codes(model):
    return torch.randn(20, model.latent_dim, generator=torch.Generator().manual_seed(0))


def padded(token_ids: torch.Tensor, length: int = 30) -> torch.Tensor:
    return torch.nn.functional.pad(token_ids, (0, length - token_ids.shape[1]), value=PAD_ID)


@pytest.mark.parametrize("weight", [1.0, 0.0], ids=["code", "no code"])
def test_a_weight_at_either_end_is_one_decoder_alone(model, codes, weight):
    mixed, _ = model.vae.decoder.generate(codes, 30, code_weight=torch.full((len(codes),), weight))
    assert torch.equal(padded(mixed), padded(model.vae.decoder.generate(weight * codes, 30)[0]))


def test_each_row_has_its_own_weight(model, codes):
    weight = torch.arange(len(codes)) % 2.0
    mixed, _ = model.vae.decoder.generate(codes, 30, code_weight=weight)
    assert torch.equal(padded(mixed), padded(model.vae.decoder.generate(weight[:, None] * codes, 30)[0]))


def test_between_the_ends_both_have_a_say(model, codes):
    half = torch.full((len(codes),), 0.5)
    mixed = model.vae.decoder.generate(codes, 1, code_weight=half)[0][:, 0]
    start = torch.full((len(codes), 1), PAD_ID)
    coded, bare = (model.vae.logits(start, z)[:, 0].log_softmax(1) for z in (codes, 0.0 * codes))
    # Neither padding, the start nor the end token is written first.
    assert torch.equal(mixed, (coded + bare)[:, 3:].argmax(1) + 3)


def test_a_sequence_beyond_the_most_nats_is_given_up(model, codes):
    def written(max_nll):
        return model.vae.decoder.generate(codes, 30, 1.0, torch.Generator().manual_seed(1), max_nll=max_nll)

    tokens, nll = written(10.0)
    assert 0 < (nll <= 10.0).sum() < len(codes)
    assert tokens[nll > 10.0].count_nonzero(1).float().mean() < written(torch.inf)[0].count_nonzero(1).float().mean()
    assert ((tokens == EOS_ID).any(1) | (tokens != PAD_ID).all(1))[nll <= 10.0].all()
