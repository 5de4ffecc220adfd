"""Frechet ChemNet distance: how far apart two sets of molecules are, as a network for bioactivity sees them.

The distance falls with the number of molecules, so figures compare only at one number of them.

References:
    Preuer et al., Frechet ChemNet Distance: a metric for generative models for molecules in drug discovery, Journal of
    Chemical Information and Modeling 2018, doi:10.1021/acs.jcim.8b00234. Network and weights are those of the package
    `fcd` (ChemNet 0.13).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from molvae.chem.parallel import map_chunks
from molvae.errors import DataError

if TYPE_CHECKING:
    from torch.nn import Module

ACTIVATIONS = 512
# The package's padded length. Longer strings are padded to their own length, alone in their batch.
PADDED_LENGTH = 350
BATCH = 125


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of the ChemNet activations of a set of molecules.

    Attributes:
        mean: float64 (512,).
        covariance: float64 (512, 512), with the N - 1 denominator.
        n: Number of molecules.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    n: int


def chemnet_activations(smiles: Sequence[str]) -> NDArray[np.float32]:
    """Return the activations of ChemNet's last but one layer, computed on one thread.

    Args:
        smiles: N valid canonical SMILES.

    Returns:
        Activations, float32 (N, 512). They do not depend on the other molecules, apart from rounding.
    """
    import torch

    model = _chemnet()
    activations = np.empty((len(smiles), ACTIVATIONS), dtype=np.float32)
    with torch.inference_mode(), _one_thread():
        for rows in _batches(smiles):
            activations[rows] = model(torch.from_numpy(_one_hot([smiles[row] for row in rows]))).numpy()
    return activations


@cache
def _chemnet() -> "Module":
    """Load the network, once a process."""
    from fcd import load_ref_model

    network: Module = load_ref_model()
    return network


def _batches(smiles: Sequence[str]) -> Iterator[list[int]]:
    usual = [row for row, text in enumerate(smiles) if len(text) < PADDED_LENGTH]
    yield from (usual[start : start + BATCH] for start in range(0, len(usual), BATCH))
    yield from ([row] for row, text in enumerate(smiles) if len(text) >= PADDED_LENGTH)


def _one_hot(smiles: Sequence[str]) -> NDArray[np.float32]:
    """Encode SMILES as ChemNet reads them: (N, 35 symbols, length), each symbol worth 1/35."""
    from fcd.utils import get_one_hot

    length = max(PADDED_LENGTH, *(len(text) + 1 for text in smiles))
    # The package encodes in float64 with padding, most of it zeros: encode without, and place into float32.
    unpadded = [get_one_hot(text) for text in smiles]
    n_symbols = unpadded[0].shape[1]
    encoded = np.zeros((len(smiles), n_symbols, length), dtype=np.float32)
    for row, matrix in enumerate(unpadded):
        encoded[row, :, : len(matrix)] = matrix.T / n_symbols
    return encoded


@contextmanager
def _one_thread() -> Iterator[None]:
    # The order of additions depends on the number of threads: with one, the figures are the same on every machine
    # setting, and processes use the cores better.
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def activations_of_many(smiles: Sequence[str], n_jobs: int = 1) -> NDArray[np.float32]:
    """Return the ChemNet activations of many molecules, float32 (N, 512).

    Args:
        smiles: N valid canonical SMILES.
        n_jobs: Processes to use for large N.
    """
    parts = map_chunks(chemnet_activations, smiles, n_jobs)
    return np.concatenate([np.empty((0, ACTIVATIONS), np.float32), *parts])


def moments(activations: NDArray[np.float32]) -> Moments:
    """Return mean and covariance of activations.

    Args:
        activations: float32 (N, 512), N at least 2.

    Raises:
        DataError: If N is below 2, where there is no covariance.
    """
    if len(activations) < 2:
        raise DataError(f"FCD: expected at least 2 valid molecules, found {len(activations)}; give more molecules")
    exact = activations.astype(np.float64)
    return Moments(exact.mean(axis=0), np.cov(exact, rowvar=False), len(exact))


def chemnet_statistics(smiles: Sequence[str], n_jobs: int = 1) -> Moments:
    """Return the moments of the ChemNet activations of molecules.

    Args:
        smiles: N valid canonical SMILES, N at least 2.
        n_jobs: Processes to use for large N.

    Raises:
        DataError: If there are fewer than 2 molecules.
    """
    return moments(activations_of_many(smiles, n_jobs))


def frechet_distance(a: Moments, b: Moments) -> float:
    """Return the squared Frechet distance between two Gaussians, |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).

    The eigenvalues of C1 C2 are those of the symmetric C1^(1/2) C2 C1^(1/2), which is faster and safer to take apart
    than a general matrix root.
    """
    values, vectors = np.linalg.eigh(a.covariance)
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    product = np.linalg.eigvalsh(root @ b.covariance @ root)
    cross = np.sqrt(np.clip(product, 0.0, None)).sum()
    offset = a.mean - b.mean
    distance = offset @ offset + np.trace(a.covariance) + np.trace(b.covariance) - 2.0 * cross
    # Rounding can leave equal sets a hair below zero.
    return max(float(distance), 0.0)
