"""How much of a held-out split the training molecules give away: how similar their nearest one is.

A random split holds out molecules whose analogues are trained on, so that figures on it flatter a model. The measure
shows how far that goes, and what a scaffold split changes about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from molvae.chem.fingerprints import PackedBits, morgan_bits, nearest
from molvae.parallel import CHUNK_SIZE, map_tasks, processes_for

MAX_HELD_OUT = 1_000
"""Molecules of a held-out split that are looked at, about; in a smaller split all."""
MAX_TRAIN = 250_000
"""Training molecules that they are compared with, about; of fewer all."""
N_BITS = 1024
CLOSE = 0.7
"""Tanimoto similarity from which a training molecule counts as a close analogue."""


@dataclass(frozen=True)
class Leakage:
    """Tanimoto similarity (ECFP4, `N_BITS` bits) of held-out molecules to their nearest training molecule.

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


def leakage(held_out: Mapping[str, pa.ChunkedArray], train: pa.ChunkedArray, n_jobs: int) -> dict[str, Leakage]:
    """Measure the leakage into each held-out split that has molecules.

    Args:
        held_out: SMILES of each split.
        train: SMILES of training molecules.
        n_jobs: Processes to use.
    """
    bits = {split: _packed(smiles, n_jobs) for split, smiles in held_out.items() if len(smiles)}
    # Before torch is loaded for the search, while there are processes: together they would take the most memory.
    reference = _packed(train, n_jobs)
    found = {}
    for split, packed in bits.items():
        similarity, _ = nearest(packed, reference)
        found[split] = Leakage(
            n=len(similarity),
            n_train=len(train),
            mean=round(float(similarity.mean(dtype=np.float64)), 4),
            median=round(float(np.median(similarity)), 4),
            maximum=round(float(similarity.max()), 4),
            close=round(float((similarity >= CLOSE).mean()), 4),
        )
    return found


def _packed(smiles: pa.ChunkedArray, n_jobs: int) -> PackedBits:
    starts = range(0, len(smiles), CHUNK_SIZE)
    chunks = (smiles.slice(start, CHUNK_SIZE).to_pylist() for start in starts)
    fingerprint = partial(morgan_bits, n_bits=N_BITS)
    packed = np.empty((len(smiles), N_BITS // 8), dtype=np.uint8)
    for start, (_, part) in zip(
        starts, map_tasks(fingerprint, chunks, processes_for(len(smiles), n_jobs)), strict=True
    ):
        packed[start : start + CHUNK_SIZE] = part
    return packed
