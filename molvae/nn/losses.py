"""The terms of the loss, in nats per sequence."""

import torch
from torch import Tensor
from torch.nn import functional as F

from molvae.vocabulary import PAD_ID


def sequence_nll(logits: Tensor, token_ids: Tensor) -> Tensor:
    """Return the negative log-likelihood of each sequence, summed over its tokens (the end token included).

    Args:
        logits: Unnormalised log-probabilities, float (B, T, V).
        token_ids: Targets, int64 (B, T); padding does not count.

    Returns:
        float32 (B,) in nats, at least 0.
    """
    nll = F.cross_entropy(logits.float().flatten(0, 1), token_ids.flatten(), ignore_index=PAD_ID, reduction="none")
    return nll.view(token_ids.shape).sum(1)


def kl_to_standard_normal(mu: Tensor, log_var: Tensor) -> Tensor:
    """Return the KL divergence of N(mu, exp(log_var)) from N(0, I), by dimension.

    Args:
        mu: Posterior means, float (B, D).
        log_var: Natural logarithm of the posterior variances, float (B, D).

    Returns:
        float (B, D) in nats, at least 0 up to rounding.

    References:
        Kingma and Welling, Auto-encoding variational Bayes, ICLR 2014, arXiv:1312.6114, appendix B.
    """
    return 0.5 * (mu.square() + log_var.exp() - 1.0 - log_var)


def with_free_bits(kl: Tensor, free_bits: float) -> Tensor:
    """Return the KL term of the loss: its mean over sequences in each dimension, but at least `free_bits`, summed.

    Args:
        kl: By sequence and dimension, float (B, D), in nats.
        free_bits: Nats of each dimension that are free.

    Returns:
        Scalar, in nats.

    References:
        Kingma et al., Improving variational inference with inverse autoregressive flow, NeurIPS 2016,
        arXiv:1606.04934, equation 15.
    """
    return torch.clamp(mean(kl), min=free_bits).sum()


def mean(rows: Tensor) -> Tensor:
    """Return the mean of rows, (N, ...), over the first axis, or 0 if there are none."""
    return rows.sum(0) / max(1, len(rows))
