"""A pool whose values are hidden, and ways to choose from it in batches: as `molvae propose` does, and simpler ones."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.count_features import Features, join, take
from molvae.chem.fingerprints import PackedBits, nearest, pack_morgan, stack_packed
from molvae.parallel import map_chunks
from molvae.propose.gaussian_process import GaussianProcess
from molvae.propose.kernels import plate_features
from molvae.propose.plate import best_first, choose
from molvae.propose.rows import N_BITS
from molvae.propose.stage import n_candidates
from molvae.seeding import numpy_generator


@dataclass(frozen=True)
class HiddenPool:
    """N molecules.

    Attributes:
        features: What the Gaussian process compares.
        bits: Packed ECFP4 fingerprints (2,048 bits), uint8 (N, 256).
        values: Their values, larger ones better, float64 (N,).
    """

    features: Features
    bits: PackedBits
    values: NDArray[np.float64]

    @staticmethod
    def of(smiles: list[str], values: NDArray[np.float64], n_jobs: int) -> "HiddenPool":
        """Compute the features of all molecules once."""
        parts = list(map_chunks(_described, smiles, n_jobs))
        return HiddenPool(join([part for part, _ in parts]), np.concatenate([part for _, part in parts]), values)

    def measured_in(self, chooser: "Chooser", n: int, n_batches: int, seed: int) -> list[NDArray[np.int64]]:
        """Measure n random molecules, and then batches of n; return the rows of each."""
        batches = [numpy_generator(seed, "hidden pool").permutation(len(self.values))[:n]]
        for _ in range(n_batches):
            batches.append(chooser(self, np.concatenate(batches), n, seed))
        return batches


Chooser = Callable[[HiddenPool, NDArray[np.int64], int, int], NDArray[np.int64]]
"""From a pool, the rows that are measured, the number wanted and a seed to the rows to measure next."""


def by_propose(pool: HiddenPool, measured: NDArray[np.int64], n: int, seed: int) -> NDArray[np.int64]:
    """Choose as `molvae propose --pool` does."""
    process = GaussianProcess(take(pool.features, measured), pool.values[measured], seed)
    mean = process.mean(pool.features)
    mean[measured] = -np.inf
    best = best_first(mean)[: min(n_candidates(n), len(mean) - len(measured))]
    chosen = choose(pool.bits[best], *process.predict(take(pool.features, best)), n)
    return best[[choice.row for choice in chosen]]


def by_nearest(pool: HiddenPool, measured: NDArray[np.int64], n: int, seed: int) -> NDArray[np.int64]:  # noqa: ARG001
    """Choose those whose most similar measured molecule has the best value, the most similar ones first."""
    similarity, index = nearest(pool.bits, pool.bits[measured])
    order = np.lexsort((-similarity, -pool.values[measured[index]]))
    return order[~np.isin(order, measured)][:n]


def at_random(pool: HiddenPool, measured: NDArray[np.int64], n: int, seed: int) -> NDArray[np.int64]:
    """Choose at random."""
    order = numpy_generator(seed, f"at random {len(measured)}").permutation(len(pool.values))
    return order[~np.isin(order, measured)][:n]


def _described(smiles: list[str]) -> tuple[Features, PackedBits]:
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    return plate_features(mols), stack_packed([pack_morgan(mol, N_BITS) for mol in mols], N_BITS)
