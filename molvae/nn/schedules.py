"""Schedules of the KL weight and the learning rate."""

import math
from collections.abc import Callable

from molvae.registry import Registry

KL_SCHEDULES: Registry[Callable[[float, float], float]] = Registry("KL schedule")
"""Functions of (fraction of the training done, fraction that is warm-up) to the factor of the KL weight, in [0, 1]."""


@KL_SCHEDULES.register("constant")
def constant(done: float, warmup: float) -> float:  # noqa: ARG001
    """Return 1 throughout."""
    return 1.0


@KL_SCHEDULES.register("linear")
def linear(done: float, warmup: float) -> float:
    """Rise from 0 to 1 over the warm-up, then stay at 1.

    References:
        Bowman et al., Generating sentences from a continuous space, CoNLL 2016, arXiv:1511.06349.
    """
    return 1.0 if done >= warmup else done / warmup


@KL_SCHEDULES.register("sigmoid")
def sigmoid(done: float, warmup: float) -> float:
    """Rise from 0.7 % to 99.3 % along a logistic curve over the warm-up, then stay at 1."""
    return 1.0 if done >= warmup else 1.0 / (1.0 + math.exp(-10.0 * (done / warmup - 0.5)))


@KL_SCHEDULES.register("cyclical")
def cyclical(done: float, warmup: float) -> float:
    """In cycles as long as the warm-up, rise from 0 to 1 in the first half and stay at 1 in the second.

    References:
        Fu et al., Cyclical annealing schedule, NAACL 2019, arXiv:1903.10145.
    """
    if warmup == 0.0 or done >= 1.0:
        return 1.0
    return min(1.0, 2.0 * ((done / warmup) % 1.0))


def learning_rate_factor(step: int, n_steps: int, warmup_steps: int, end: float) -> float:
    """Return the factor of the peak learning rate at a step: linear warm-up, then cosine decay to `end`."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    done = (step - warmup_steps) / max(1, n_steps - warmup_steps)
    return end + (1.0 - end) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))
