"""Leakage from the training split into held-out splits: the similarity to the nearest training molecule.

A random split holds out molecules whose analogues are in the training split, so that metrics on it are optimistic. This
says to what extent, and how much a scaffold split helps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from molvae.chem.fingerprints import PackedBits, morgan_bits, nearest
from molvae.parallel import CHUNK_SIZE, map_tasks, processes_for, shared_processes

MAX_HELD_OUT = 1_000
"""Approximate number of molecules sampled from a held-out split; a smaller split is used in full."""
MAX_TRAIN = 250_000
"""Approximate number of training molecules that they are compared with; a smaller split is used in full."""
N_BITS = 1024
CLOSE = 0.7
"""Tanimoto similarity from which a training molecule counts as a close analogue."""


@dataclass(frozen=True)
class Leakage:
    """Tanimoto similarity (ECFP4, `N_BITS` bits) of held-out molecules to their nearest training molecule.

    Attributes:
        n: Number of held-out molecules.
        n_train: Number of training molecules that they are compared with.
        mean: Mean similarity, in [0, 1].
        median: Median similarity.
        maximum: Highest similarity.
        close: Fraction of the molecules with a similarity of at least `CLOSE`.
    """

    n: int
    n_train: int
    mean: float
    median: float
    maximum: float
    close: float


def leakage(held_out: Mapping[str, pa.ChunkedArray], train: pa.ChunkedArray, n_jobs: int) -> dict[str, Leakage]:
    """Measure the leakage into each held-out split that is not empty.

    Args:
        held_out: SMILES of each split.
        train: SMILES of training molecules.
        n_jobs: Processes to use.
    """
    # Before the search loads torch: worker processes and torch together would need the most memory.
    with shared_processes():
        bits = {split: _packed(smiles, n_jobs) for split, smiles in held_out.items() if len(smiles)}
        reference = _packed(train, n_jobs)
    result = {}
    for split, packed in bits.items():
        similarity, _ = nearest(packed, reference)
        result[split] = Leakage(
            n=len(similarity),
            n_train=len(train),
            mean=round(float(similarity.mean(dtype=np.float64)), 4),
            median=round(float(np.median(similarity)), 4),
            maximum=round(float(similarity.max()), 4),
            close=round(float((similarity >= CLOSE).mean()), 4),
        )
    return result


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
