import numpy as np
import pytest
import torch

from molvae.config import ModelConfig
from molvae.nn.batch import Batch
from molvae.nn.property_head import property_loss
from molvae.nn.vae import VAE, LossWeights


def test_the_loss_is_half_the_weighted_squared_error_of_what_was_measured():
    predicted = torch.tensor([[1.0, 2.0], [0.0, 5.0]])
    targets = torch.tensor([[0.0, 4.0], [2.0, torch.nan]])
    loss = property_loss(predicted, targets, torch.tensor([1.0, 3.0]))
    assert loss.item() == pytest.approx((0.5 * 1 + 0.5 * 3 * 4 + 0.5 * 4) / 2)


def test_what_was_not_measured_leaves_no_trace_in_the_gradient():
    predicted = torch.ones(2, 1, requires_grad=True)
    property_loss(predicted, torch.tensor([[torch.nan], [0.0]]), torch.ones(1)).backward()
    assert predicted.grad.tolist() == [[0.0], [0.5]]


def test_properties_are_learned_together_with_the_molecules(vocabulary, store):
    torch.manual_seed(0)
    config = ModelConfig(embedding_dim=8, encoder_hidden=32, decoder_hidden=16, latent_dim=8)
    vae = VAE(config, len(vocabulary), n_properties=1)
    token_ids, lengths = store.batch(np.arange(60))
    length = ((lengths - lengths.float().mean()) / lengths.float().std())[:, None]
    batch = Batch.draw(token_ids, lengths, 8, properties=length)
    optimizer = torch.optim.Adam(vae.parameters(), lr=2e-2)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = vae.loss(batch, LossWeights(kl=0.01, properties=(100.0,)))
        loss.total.backward()
        optimizer.step()
        losses.append(loss.properties.item())
    assert min(losses) < 0.4 * losses[0]
