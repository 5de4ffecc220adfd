"""Train a model a little further on the best molecules of a search."""

from collections.abc import Sequence

import numpy as np
import torch

from molvae.config import RefitConfig
from molvae.model.model import MolVAE
from molvae.nn.batch import Batch
from molvae.nn.device import autocast
from molvae.nn.tokens import length_bucketed
from molvae.nn.vae import LossWeights
from molvae.seeding import derive_seed, numpy_generator


def refit(
    model: MolVAE,
    incumbents: Sequence[str],
    known: Sequence[str],
    number: int,
    seed: int,
    settings: RefitConfig,
) -> None:
    """Train `model` in place on the incumbents, the better ones more often, and on training molecules.

    Args:
        model: The model to change.
        incumbents: The best molecules so far as SMILES, the best first.
        known: Molecules of the training set, to repeat.
        number: Number of the refit, to draw other molecules in each.
        seed: Seed of the search.
        settings: How to train.
    """
    rng = numpy_generator(seed, f"refit {number}")
    best, _ = model.tokenise(incumbents)
    if not len(best):
        return
    n_drawn = settings.n_steps * settings.batch_size
    n_known = round((1.0 - settings.incumbent_fraction) * n_drawn) if known else 0
    # Weights fall as 1 / rank, so that the model turns to the best molecules.
    weights = 1.0 / (np.arange(len(best)) + settings.rank_offset)
    store = best.subset(rng.choice(len(best), size=n_drawn - n_known, p=weights / weights.sum()))
    if known:
        repeated, _ = model.tokenise([known[i] for i in rng.integers(len(known), size=n_known)])
        store = store.joined(repeated)
    kl_weight = model.training.kl_weight
    optimizer = torch.optim.Adam(model.vae.parameters(), lr=settings.learning_rate)
    # Dropout draws from torch's global generator: it is seeded here and restored.
    with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
        torch.manual_seed(derive_seed(seed, f"refit {number}"))
        model.vae.train()
        for rows in length_bucketed(store.lengths, settings.batch_size, rng):
            batch = Batch.draw(*store.batch(rows, model.device), model.latent_dim, settings.code_dropout)
            with autocast(model.device, "auto"):
                loss = model.vae.loss(batch, LossWeights(kl_weight))
            optimizer.zero_grad()
            loss.total.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.vae.parameters(), settings.gradient_clip)
            optimizer.step()
        model.vae.eval()
