"""How much of a held-out split the training molecules give away: how similar their nearest one is.

A random split holds out molecules whose analogues are trained on, so that figures on it flatter a model. The measure
shows how far that goes, and what a scaffold split changes about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from molvae.chem.fingerprints import morgan_bits, nearest
from molvae.chem.parallel import map_chunks

MOST_HELD_OUT = 1_000
"""Molecules of a held-out split that are looked at, about; in a smaller split all."""
MOST_TRAIN = 250_000
"""Training molecules that they are compared with, about; of fewer all."""
CHUNKS_AT_A_TIME = 40
"""Chunks of training molecules that are compared with at a time."""
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
    bits = {split: morgan_bits(smiles, n_jobs=n_jobs) for split, smiles in held_out.items() if smiles}
    highest = {split: np.zeros(len(packed), dtype=np.float32) for split, packed in bits.items()}
    # Piece by piece, so that many molecules take no more memory than few.
    chunks = map_chunks(morgan_bits, train, n_jobs)
    while piece := list(islice(chunks, CHUNKS_AT_A_TIME)):
        reference = np.concatenate(piece)
        for split, packed in bits.items():
            np.maximum(highest[split], nearest(packed, reference)[0], out=highest[split])
    found = {}
    for split, similarity in highest.items():
        found[split] = Leakage(
            n=len(similarity),
            n_train=len(train),
            mean=round(float(similarity.mean(dtype=np.float64)), 4),
            median=round(float(np.median(similarity)), 4),
            maximum=round(float(similarity.max()), 4),
            close=round(float((similarity >= CLOSE).mean()), 4),
        )
    return found
