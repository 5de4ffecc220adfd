"""Fréchet ChemNet distance between two sets of molecules, from the activations of a network trained on bioactivities.

The distance falls with the number of molecules, so compare only values from equally large sets.

References:
    Preuer et al., Fréchet ChemNet Distance: a metric for generative models for molecules in drug discovery, Journal of
    Chemical Information and Modeling 2018, doi:10.1021/acs.jcim.8b00234. Network and weights are those of the package
    `fcd` (ChemNet 0.13).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from molvae.errors import DataError
from molvae.parallel import map_chunks

if TYPE_CHECKING:
    from molvae.chem.chemnet import ChemNet

ACTIVATIONS = 512


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


def chemnet_activations(smiles: Sequence[str], device: str = "cpu") -> NDArray[np.float32]:
    """Return the activations of ChemNet's last but one layer; on the CPU, computed on one thread.

    Args:
        smiles: N valid canonical SMILES.
        device: `cpu` or `cuda`. Activations on the two differ by rounding.

    Returns:
        Activations, float32 (N, 512). They do not depend on the other molecules, apart from rounding.
    """
    with _one_thread():
        return _chemnet(device).activations(smiles)


@cache
def _chemnet(device: str) -> "ChemNet":
    """Load the network, once a process."""
    from molvae.chem.chemnet import ChemNet

    return ChemNet(device)


@contextmanager
def _one_thread() -> Iterator[None]:
    # The order of additions depends on the number of threads: with one, the activations do not depend on the settings
    # of the machine, and processes use the cores better.
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
        n_jobs: Number of processes for large N.
    """
    parts = map_chunks(chemnet_activations, smiles, n_jobs)
    return np.concatenate([np.empty((0, ACTIVATIONS), np.float32), *parts])


class TooFewMoleculesError(DataError):
    """There is no covariance of fewer than two molecules."""


def moments(parts: Iterable[NDArray[np.float32]]) -> Moments:
    """Return mean and covariance of activations, with one part at a time in memory.

    Args:
        parts: Activations, float32 (N_i, D) each; at least 2 rows in all.

    Raises:
        TooFewMoleculesError: If there are fewer, for which there is no covariance.
    """
    n, total, products = 0, np.zeros(1), np.zeros((1, 1))
    for part in parts:
        exact = part.astype(np.float64)
        n += len(exact)
        total = total + exact.sum(axis=0)
        products = products + exact.T @ exact
    if n < 2:
        raise TooFewMoleculesError(f"FCD: expected at least 2 valid molecules, found {n}; give more molecules")
    mean = total / n
    return Moments(mean, (products - n * np.outer(mean, mean)) / (n - 1), n)


def chemnet_statistics(smiles: Sequence[str], n_jobs: int = 1) -> Moments:
    """Return the moments of the ChemNet activations of molecules.

    Args:
        smiles: N valid canonical SMILES, N at least 2.
        n_jobs: Number of processes for large N.

    Raises:
        TooFewMoleculesError: If there are fewer than 2 molecules.
    """
    return moments(map_chunks(chemnet_activations, smiles, n_jobs))


def frechet_distance(a: Moments, b: Moments) -> float:
    """Return the squared Fréchet distance between two Gaussians, |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).

    The eigenvalues of C1 C2 are those of the symmetric C1^(1/2) C2 C1^(1/2), whose decomposition is faster and
    numerically safer than a general matrix square root.
    """
    with _one_blas_thread():
        root = _power(a.covariance, 0.5)
        product = np.linalg.eigvalsh(root @ b.covariance @ root)
    cross = np.sqrt(np.clip(product, 0.0, None)).sum()
    offset = a.mean - b.mean
    distance = offset @ offset + np.trace(a.covariance) + np.trace(b.covariance) - 2.0 * cross
    # Rounding can make the distance of equal sets slightly negative.
    return max(float(distance), 0.0)


def transport_map(a: Moments, b: Moments) -> NDArray[np.float64]:
    """Return the matrix of the optimal transport from a Gaussian to another, float64 (512, 512).

    It is C1^(-1/2) (C1^(1/2) C2 C1^(1/2))^(1/2) C1^(-1/2), on the directions in which the first has variance.

    References:
        Olkin and Pukelsheim, The distance between two random vectors with given dispersion matrices, Linear Algebra and
        its Applications 1982, doi:10.1016/0024-3795(82)90112-4.
    """
    with _one_blas_thread():
        root, inverse = _power(a.covariance, 0.5), _power(a.covariance, -0.5)
        mapped: NDArray[np.float64] = inverse @ _power(root @ b.covariance @ root, 0.5) @ inverse
    return mapped


def _one_blas_thread() -> AbstractContextManager[object]:
    # Several threads change the last digits, and take ten times as long as one where they share busy cores.
    limits: AbstractContextManager[object] = threadpool_limits(1, "blas")
    return limits


def _power(covariance: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """Return a power of a positive semidefinite matrix; eigenvalues that are zero up to rounding stay zero."""
    values, vectors = np.linalg.eigh(covariance)
    is_real = values > np.finfo(np.float64).eps * len(values) * max(values[-1], 0.0)
    powers = np.where(is_real, np.where(is_real, values, 1.0) ** exponent, 0.0)
    powered: NDArray[np.float64] = (vectors * powers) @ vectors.T
    return powered
