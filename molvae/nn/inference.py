"""What trained networks compute for stored sequences, in batches of similar length."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from molvae.nn.losses import sequence_nll
from molvae.nn.tokens import TokenStore, by_length
from molvae.nn.vae import VAE
from molvae.vocabulary import PAD_ID

BATCH_SIZE = 1024


@torch.inference_mode()
def posterior(vae: VAE, store: TokenStore) -> tuple[Tensor, Tensor]:
    """Return mean and log-variance of the posteriors of N sequences, float32 (N, D) each, on the CPU."""
    stacked = _in_batches(vae, store, lambda *batch: torch.stack(vae.encode(*batch), dim=1))
    mu, log_var = stacked.unbind(1)
    return mu, log_var


@torch.inference_mode()
def teacher_forced(vae: VAE, store: TokenStore, codes: Tensor) -> tuple[Tensor, Tensor]:
    """Decode N sequences given their codes and, at each step, the true tokens before.

    Args:
        vae: The networks.
        store: N sequences.
        codes: Their codes, float32 (N, D), on the CPU.

    Returns:
        The negative log-likelihood of each sequence in nats, and the number of its tokens that are the most probable
        ones, float32 (N,) each, on the CPU.
    """

    def measure(token_ids: Tensor, _: Tensor, z: Tensor) -> Tensor:
        logits = vae.logits(token_ids, z)
        is_correct = (logits.argmax(2) == token_ids) & (token_ids != PAD_ID)
        return torch.stack([sequence_nll(logits, token_ids), is_correct.sum(1)], dim=1)

    nll, n_correct = _in_batches(vae, store, measure, codes).unbind(1)
    return nll, n_correct


def unconditional_nll(vae: VAE, store: TokenStore) -> Tensor:
    """Return the negative log-likelihood of N sequences under the unconditional decoder, in nats, float32 (N,)."""
    return teacher_forced(vae, store, torch.zeros(len(store), vae.config.latent_dim))[0]


def _in_batches(vae: VAE, store: TokenStore, compute: Callable[..., Tensor], *columns: Tensor) -> Tensor:
    """Apply `compute` to batches of similar length and return its rows in the order of the store.

    `compute` takes token ids, lengths, and the batch's rows of each of `columns`.
    """
    device = vae.embedding.weight.device
    batches = by_length(store.lengths, BATCH_SIZE)
    computed = [
        compute(*store.batch(rows, device), *(column[rows].to(device) for column in columns)).cpu() for rows in batches
    ]
    return torch.cat(computed)[np.argsort(np.concatenate(batches))]
