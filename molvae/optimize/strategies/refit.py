"""Train a model a little further on the best molecules of a search."""

from collections.abc import Sequence

import numpy as np
import torch

from molvae.model.model import MolVAE
from molvae.nn.batch import Batch
from molvae.nn.device import autocast
from molvae.nn.tokens import length_bucketed
from molvae.nn.vae import LossWeights
from molvae.seeding import derive_seed, numpy_generator

STEPS = 12
BATCH_SIZE = 96
# Share that comes from the incumbents; the rest repeats the training set, lest the model forget it.
INCUMBENT_SHARE = 0.67
CODE_DROPOUT = 0.5
LEARNING_RATE = 5.0e-4


def refit(model: MolVAE, incumbents: Sequence[str], known: Sequence[str], number: int, seed: int) -> None:
    """Train `model` in place on the incumbents, the better ones more often, and on some of what it knew.

    Args:
        model: The model to change.
        incumbents: The best molecules so far as SMILES, the best first.
        known: Molecules of the training set, to repeat.
        number: Which re-fit this is, to draw other molecules in each.
        seed: Seed of the search.
    """
    random = numpy_generator(seed, f"refit {number}")
    best, _ = model.tokenise(incumbents)
    if not len(best):
        return
    n_known = round((1.0 - INCUMBENT_SHARE) * STEPS * BATCH_SIZE) if known else 0
    # Weights fall as 1 / rank, so that the front of the search is what the model turns to.
    weights = 1.0 / np.arange(5, len(best) + 5)
    store = best.subset(random.choice(len(best), size=STEPS * BATCH_SIZE - n_known, p=weights / weights.sum()))
    if known:
        repeated, _ = model.tokenise([known[i] for i in random.integers(len(known), size=n_known)])
        store = store.joined(repeated)
    kl_weight = model.training.kl_weight
    optimizer = torch.optim.Adam(model.vae.parameters(), lr=LEARNING_RATE)
    # Dropout draws from torch's own generator: it is seeded here and put back as it was.
    with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
        torch.manual_seed(derive_seed(seed, f"refit {number}"))
        model.vae.train()
        for rows in length_bucketed(store.lengths, BATCH_SIZE, random):
            batch = Batch.draw(*store.batch(rows, model.device), model.latent_dim, CODE_DROPOUT)
            with autocast(model.device, "auto"):
                loss = model.vae.loss(batch, LossWeights(kl_weight))
            optimizer.zero_grad()
            loss.total.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.vae.parameters(), 1.0)
            optimizer.step()
        model.vae.eval()
