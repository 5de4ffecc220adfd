import numpy as np
import pytest
import torch

from molvae.config import ModelConfig
from molvae.nn import decoder
from molvae.nn.batch import Batch
from molvae.nn.losses import sequence_nll
from molvae.nn.vae import VAE, LossWeights
from molvae.sampling import SamplingParams
from molvae.vocabulary import BOS_ID, EOS_ID, PAD_ID

VARIANTS = [
    {"cell": "gru"},
    {"cell": "lstm"},
    {"cell": "gru", "bidirectional": False, "encoder_layers": 2, "decoder_layers": 2, "activation": "gelu"},
    {"cell": "lstm", "encoder_layers": 2, "decoder_layers": 2, "dropout": 0.1},
]

GREEDY = SamplingParams(temperature=0.0, max_length=30)


@pytest.fixture(params=VARIANTS, ids=lambda variant: "-".join(map(str, variant.values())))
def vae(request, vocabulary):
    torch.manual_seed(0)
    config = ModelConfig(embedding_dim=8, encoder_hidden=12, decoder_hidden=16, latent_dim=6, **request.param)
    return VAE(config, len(vocabulary)).eval()


def test_padding_and_other_rows_change_neither_code_nor_loss(vae, store):
    token_ids, lengths = store.batch(np.arange(8))
    mu, log_var = vae.encode(token_ids, lengths)
    nll = sequence_nll(vae.logits(token_ids, mu), token_ids)
    for row in range(8):
        alone, length = store.batch(np.array([row]))
        mu_alone, log_var_alone = vae.encode(alone, length)
        torch.testing.assert_close(mu_alone[0], mu[row])
        torch.testing.assert_close(log_var_alone[0], log_var[row])
        torch.testing.assert_close(sequence_nll(vae.logits(alone, mu_alone), alone)[0], nll[row])


def test_the_order_of_tokens_matters_to_the_code(vae, store):
    token_ids, lengths = store.batch(np.array([0]))
    swapped = token_ids.clone()
    late = int(lengths[0]) - 3
    swapped[0, late], swapped[0, late + 1] = token_ids[0, late + 1], token_ids[0, late]
    assert token_ids[0, late] != token_ids[0, late + 1]
    assert (vae.encode(token_ids, lengths)[0] - vae.encode(swapped, lengths)[0]).abs().max() > 1e-4


def test_greedy_generation_takes_the_tokens_that_teacher_forcing_finds_most_probable(vae, monkeypatch):
    monkeypatch.setattr(decoder, "gains_from_bfloat16", lambda device: False)
    z = torch.randn(16, 6, generator=torch.Generator().manual_seed(1))
    token_ids, nll = vae.decoder.generate(z, GREEDY)
    logits = vae.logits(token_ids, z)
    logits[:, :, [PAD_ID, BOS_ID]] = -torch.inf
    logits[:, 0, EOS_ID] = -torch.inf
    is_token = token_ids != PAD_ID
    assert (logits.argmax(2)[is_token] == token_ids[is_token]).all()
    taken = logits.log_softmax(2).gather(2, token_ids[:, :, None])[:, :, 0].masked_fill(~is_token, 0.0)
    assert torch.allclose(nll, -taken.sum(1), atol=1e-3)


def test_generation_in_bfloat16_gives_nearly_the_same_logits(vae, monkeypatch):
    z = torch.randn(16, 6, generator=torch.Generator().manual_seed(1))
    tokens = torch.full((16,), BOS_ID)
    logits = []
    for gains in (False, True):
        monkeypatch.setattr(decoder, "gains_from_bfloat16", lambda device, gains=gains: gains)
        stepper = decoder._Stepper(vae.decoder, z)
        with torch.no_grad():
            logits.append(torch.stack([stepper.step(tokens) for _ in range(10)]))
    difference = (logits[0] - logits[1]).abs().max()
    assert 0.0 < difference < 0.02 * logits[0].std()


def test_a_code_shared_by_all_rows_is_read_as_one_of_its_own(vae, monkeypatch):
    monkeypatch.setattr(decoder, "gains_from_bfloat16", lambda device: False)
    codes = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))
    tokens = torch.arange(5) + EOS_ID
    shared, mixed = decoder._Stepper(vae.decoder, codes[:1].expand(5, -1)), decoder._Stepper(vae.decoder, codes)
    assert shared.from_code is None
    with torch.no_grad():
        for _ in range(3):
            alike, own = shared.step(tokens[:1].expand(5)), mixed.step(tokens)
            assert torch.allclose(alike, own[:1].expand(5, -1), atol=1e-5)


def test_generation_stops_at_the_end_token_and_never_begins_with_it(vae):
    generator = torch.Generator().manual_seed(2)
    token_ids, _ = vae.decoder.generate(torch.zeros(200, 6), SamplingParams(max_length=25), generator)
    assert token_ids.shape[1] <= 25
    assert (token_ids[:, 0] > EOS_ID).all()
    for row in token_ids.tolist():
        ends = row.count(EOS_ID)
        assert ends <= 1
        if ends:
            assert set(row[row.index(EOS_ID) + 1 :]) <= {PAD_ID}


def test_samples_follow_the_softmax(vocabulary):
    torch.manual_seed(0)
    vae = VAE(ModelConfig(embedding_dim=4, encoder_hidden=4, decoder_hidden=8, latent_dim=2), len(vocabulary)).eval()
    z = torch.zeros(20_000, 2)
    first = vae.decoder.generate(z, SamplingParams(temperature=0.7, max_length=1), torch.Generator().manual_seed(3))[0][
        :, 0
    ]
    logits = vae.logits(torch.full((1, 1), EOS_ID), z[:1])[0, 0].detach()
    logits[: EOS_ID + 1] = -torch.inf
    expected = torch.softmax(logits / 0.7, 0)
    seen = torch.bincount(first, minlength=len(vocabulary)) / len(first)
    assert (seen - expected).abs().max() < 0.015


def test_the_loss_counts_both_kinds_of_molecules(vae, store):
    batch = Batch.draw(*store.batch(np.arange(20)), 6, code_dropout=0.25)
    loss = vae.loss(batch, LossWeights(kl=0.1))
    total = 0.75 * (loss.reconstruction + 0.1 * loss.kl) + 0.25 * loss.unconditional
    torch.testing.assert_close(loss.total, total)


def test_without_code_dropout_no_molecule_is_unconditional(vae, store):
    batch = Batch.draw(*store.batch(np.arange(4)), 6)
    loss = vae.loss(batch, LossWeights(kl=0.1, free_bits=0.2, z_l2=0.01))
    assert loss.unconditional.item() == 0.0
    assert torch.isfinite(loss.total)


def test_unconditional_molecules_give_the_encoder_no_gradient(vae, store):
    batch = Batch.draw(*store.batch(np.arange(4)), 6, code_dropout=1.0 - 1e-9)
    vae.loss(batch, LossWeights(kl=0.1)).unconditional.backward()
    assert all(weight.grad is None or not weight.grad.any() for weight in vae.encoder.parameters())


def test_a_few_molecules_are_memorised(vocabulary, store):
    torch.manual_seed(0)
    config = ModelConfig(embedding_dim=16, encoder_hidden=32, decoder_hidden=64, latent_dim=16)
    vae = VAE(config, len(vocabulary))
    token_ids, lengths = store.batch(np.arange(8))
    optimizer = torch.optim.Adam(vae.parameters(), lr=5e-3)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = vae.loss(Batch.draw(token_ids, lengths, 16), LossWeights(kl=0.01))
        loss.total.backward()
        optimizer.step()
        losses.append(loss.reconstruction.item())
    assert losses[-1] < 0.1 * losses[0]
