"""How much of a held-out split the training molecules give away: how similar their nearest one is.

A random split holds out molecules whose analogues are trained on, so that figures on it flatter a model. The measure
shows how far that goes, and what a scaffold split changes about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from molvae.chem.fingerprints import morgan_bits, nearest

MOST_HELD_OUT = 1_000
"""Molecules of a held-out split that are looked at, about; in a smaller split all."""
MOST_TRAIN = 250_000
"""Training molecules that they are compared with, about; of fewer all."""
CLOSE = 0.7
"""Tanimoto similarity from which a training molecule counts as a close analogue."""


@dataclass(frozen=True)
class Leakage:
    """Tanimoto similarity (ECFP4, 1,024 bits) of held-out molecules to their nearest training molecule.

    Attributes:
        n: Molecules looked at.
        n_train: Training molecules compared with.
        mean: Mean similarity, in [0, 1].
        median: Median similarity.
        maximum: Highest similarity.
        close: Share of the molecules with a similarity of at least `CLOSE`.
    """

    n: int
    n_train: int
    mean: float
    median: float
    maximum: float
    close: float


def leakage(held_out: Mapping[str, Sequence[str]], train: Sequence[str], n_jobs: int) -> dict[str, Leakage]:
    """Measure the leakage into each held-out split that has molecules.

    Args:
        held_out: SMILES of each split.
        train: SMILES of training molecules.
        n_jobs: Processes to use.
    """
    reference = morgan_bits(train, n_jobs=n_jobs)
    found = {}
    for split, smiles in held_out.items():
        if not smiles:
            continue
        similarity, _ = nearest(morgan_bits(smiles, n_jobs=n_jobs), reference)
        found[split] = Leakage(
            n=len(smiles),
            n_train=len(train),
            mean=round(float(similarity.mean(dtype=np.float64)), 4),
            median=round(float(np.median(similarity)), 4),
            maximum=round(float(similarity.max()), 4),
            close=round(float((similarity >= CLOSE).mean()), 4),
        )
    return found
