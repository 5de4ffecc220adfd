"""The latent space: how much each dimension encodes, and whether nearby codes are those of similar molecules."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from molvae.chem.fingerprints import morgan_bits, tanimoto_matrix
from molvae.metrics.definitions import ACTIVE_VARIANCE
from molvae.metrics.metric import Metric
from molvae.metrics.registry import measured
from molvae.nn.losses import kl_to_standard_normal

# All pairs of this many molecules are two million.
MAX_PAIRED = 2000
# Fractions of all pairs, nearest first, that bound the bins; the first bins are small, since few pairs are near.
PAIR_FRACTIONS = (0.0, 1e-4, 1e-3, 0.01, 0.05, 0.25, 0.5, 0.75, 1.0)


def posterior_metrics(mu: Tensor, log_var: Tensor) -> dict[str, Metric]:
    """Return the metrics of N posteriors.

    Args:
        mu: Posterior means, float32 (N, D).
        log_var: Their log-variances, float32 (N, D).

    References:
        Burda, Grosse and Salakhutdinov, Importance weighted autoencoders, ICLR 2016, arXiv:1509.00519 (active units).
    """
    n = len(mu)
    return {
        "kl_nats": measured("kl_nats", float(kl_to_standard_normal(mu, log_var).sum(1).mean()), n),
        "active_units": measured("active_units", float((mu.var(0) > ACTIVE_VARIANCE).sum()), n),
    }


def by_dimension(mu: Tensor, log_var: Tensor) -> list[dict[str, float]]:
    """Return for each of D dimensions its mean KL from N(0, 1) in nats, and the variance of the posterior mean."""
    kl = kl_to_standard_normal(mu, log_var).mean(0)
    rows = zip(kl.tolist(), mu.var(0).tolist(), strict=True)
    return [{"kl_nats": divergence, "mean_variance": variance} for divergence, variance in rows]


def similarity_by_distance(smiles: list[str], mu: Tensor) -> tuple[Metric, list[dict[str, Any]]]:
    """Compare the distance of codes with the similarity of their molecules, over all pairs.

    Args:
        smiles: N molecules, of which at most the first 2,000 are used.
        mu: Their posterior means, float32 (N, D).

    Returns:
        The rank correlation of the two; and for bins of pairs, nearest first: `distance` (mean Euclidean distance),
        `similarity` (mean Tanimoto similarity, ECFP4 of 2,048 bits) and `n` (pairs).
    """
    smiles, mu = smiles[:MAX_PAIRED], mu[:MAX_PAIRED]
    pairs = np.triu_indices(len(smiles), 1)
    bits = morgan_bits(smiles, 2048)
    similarity = tanimoto_matrix(bits, bits)[pairs]
    # Directly rather than from the products of codes, which loses the digits of small distances.
    distance = torch.cdist(mu, mu, compute_mode="donot_use_mm_for_euclid_dist").numpy()[pairs]
    # With two molecules there is one pair, and with one value no ranks to correlate.
    varies = np.ptp(similarity) > 0.0 and np.ptp(distance) > 0.0 if len(distance) else False
    value = float(spearmanr(distance, similarity).statistic) if varies else math.nan
    correlation = measured("distance_similarity_correlation", value, len(distance))
    order = np.argsort(distance, kind="stable")
    edges = np.round(np.array(PAIR_FRACTIONS) * len(order)).astype(int)
    bins = [
        {"distance": float(distance[rows].mean()), "similarity": float(similarity[rows].mean()), "n": len(rows)}
        for rows in (order[low:high] for low, high in pairwise(edges))
        if len(rows)
    ]
    return correlation, bins
