"""Train a model a little further on the best molecules of a search."""

from collections.abc import Sequence

import numpy as np
import torch

from molvae.model import MolVAE
from molvae.nn.vae import LossWeights
from molvae.seeding import derive_seed, numpy_generator

STEPS = 12
BATCH_SIZE = 96
# Share of a batch that comes from the incumbents; the rest repeats the training set, lest the model forget it.
INCUMBENT_SHARE = 0.67
CODE_DROPOUT = 0.5
LEARNING_RATE = 5.0e-4
KL_WEIGHT = 0.05


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
    n_best = round(BATCH_SIZE * INCUMBENT_SHARE) if known else BATCH_SIZE
    n_known = (BATCH_SIZE - n_best) * STEPS
    repeated, _ = model.tokenise([known[i] for i in random.integers(len(known), size=n_known)] if known else [])
    if not len(best):
        return
    optimizer = torch.optim.Adam(model.vae.parameters(), lr=LEARNING_RATE)
    # Weights fall as 1 / rank, so that the front of the search is what the model turns to.
    weights = 1.0 / np.arange(5, len(best) + 5)
    # The loss draws from torch's own generator: it is seeded here and put back as it was.
    with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
        torch.manual_seed(derive_seed(seed, f"refit {number}"))
        model.vae.train()
        for step in range(STEPS):
            rows = random.choice(len(best), size=n_best, p=weights / weights.sum())
            batch = best.subset(rows)
            if len(repeated):
                part = np.arange(step * (BATCH_SIZE - n_best), (step + 1) * (BATCH_SIZE - n_best)) % len(repeated)
                batch = batch.joined(repeated.subset(part))
            token_ids, lengths = batch.batch(random.permutation(len(batch)), model.device)
            loss = model.vae.loss(token_ids, lengths, LossWeights(KL_WEIGHT), CODE_DROPOUT)
            optimizer.zero_grad()
            loss.total.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.vae.parameters(), 1.0)
            optimizer.step()
        model.vae.eval()
