"""The shape of the latent space: how much each dimension says, and whether near codes are similar molecules."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from molvae.chem.fingerprints import morgan_bits, tanimoto_matrix
from molvae.metrics.metric import Metric
from molvae.nn.losses import kl_to_standard_normal

ACTIVE_VARIANCE = 0.01
# All pairs of this many molecules are two million.
MAX_PAIRED = 2000
# Shares of all pairs, nearest first, at which they are cut into bins: how similar near codes are is decided by few.
PAIR_SHARES = (0.0, 1e-4, 1e-3, 0.01, 0.05, 0.25, 0.5, 0.75, 1.0)


def posterior_metrics(mu: Tensor, log_var: Tensor) -> dict[str, Metric]:
    """Return the figures of N posteriors, each float32 (N, D).

    References:
        Burda, Grosse and Salakhutdinov, Importance weighted autoencoders, ICLR 2016, arXiv:1509.00519 (active units).
    """
    n, latent_dim = mu.shape
    return {
        "kl_nats": Metric(
            float(kl_to_standard_normal(mu, log_var).sum(1).mean()),
            n,
            "Mean divergence of a molecule's posterior from N(0, I), in nats.",
        ),
        "active_units": Metric(
            float((mu.var(0) > ACTIVE_VARIANCE).sum()),
            n,
            f"Latent dimensions, of {latent_dim}, whose posterior mean has a variance above {ACTIVE_VARIANCE}.",
        ),
    }


def by_dimension(mu: Tensor, log_var: Tensor) -> list[dict[str, float]]:
    """Return for each of D dimensions its mean KL from N(0, 1) in nats, and the variance of the posterior mean."""
    kl = kl_to_standard_normal(mu, log_var).mean(0)
    rows = zip(kl.tolist(), mu.var(0).tolist(), strict=True)
    return [{"kl_nats": nll, "mean_variance": variance} for nll, variance in rows]


def similarity_by_distance(smiles: list[str], mu: Tensor) -> tuple[Metric, list[dict[str, Any]]]:
    """Compare the distance of codes with the similarity of their molecules, over all pairs.

    Args:
        smiles: N molecules, of which the first 2,000 are looked at.
        mu: Their posterior means, float32 (N, D).

    Returns:
        The rank correlation of the two; and for bins of pairs, nearest first: `distance` (mean Euclidean distance),
        `similarity` (mean ECFP4 Tanimoto similarity) and `n` (pairs).
    """
    smiles, mu = smiles[:MAX_PAIRED], mu[:MAX_PAIRED]
    pairs = np.triu_indices(len(smiles), 1)
    bits = morgan_bits(smiles, 2048)
    similarity = tanimoto_matrix(bits, bits)[pairs]
    # Directly rather than from the products of codes, which loses the digits of small distances.
    distance = torch.cdist(mu, mu, compute_mode="donot_use_mm_for_euclid_dist").numpy()[pairs]
    # With two molecules there is one pair, and with one value no ranks to correlate.
    varies = np.ptp(similarity) > 0.0 and np.ptp(distance) > 0.0 if len(distance) else False
    correlation = Metric(
        float(spearmanr(distance, similarity).statistic) if varies else math.nan,
        len(distance),
        "Spearman's rank correlation, over n pairs of held-out molecules, of the distance of their codes and their "
        "ECFP4 Tanimoto similarity; -1 is best.",
    )
    order = np.argsort(distance, kind="stable")
    edges = np.round(np.array(PAIR_SHARES) * len(order)).astype(int)
    bins = [
        {"distance": float(distance[rows].mean()), "similarity": float(similarity[rows].mean()), "n": len(rows)}
        for rows in (order[low:high] for low, high in pairwise(edges))
        if len(rows)
    ]
    return correlation, bins
