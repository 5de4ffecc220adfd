"""A cheap prediction of scores, to choose which molecules are worth an oracle call."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.stats import norm

from molvae.chem.fingerprints import PackedBits, tanimoto_matrix


@dataclass(frozen=True)
class TanimotoGP:
    """A Gaussian process over fingerprints, with the Tanimoto similarity as its kernel.

    The kernel has no length scale to fit, which is what makes it reliable on few points.

    Attributes:
        fingerprints: Molecules with known scores, packed bits, uint8 (N, n_bits // 8).
        mean: Mean of their scores.
        scale: Standard deviation of their scores.
        signal: Fraction of the variance that the structure explains.
        factor: Cholesky factor of the kernel matrix with noise, float64 (N, N), lower triangle.
        weights: The factor solved against the standardised scores, float64 (N,).

    References:
        Griffiths et al., GAUCHE: a library for Gaussian processes in chemistry, NeurIPS 2023, arXiv:2212.04450.
    """

    fingerprints: PackedBits
    mean: float
    scale: float
    signal: float
    factor: NDArray[np.float64]
    weights: NDArray[np.float64]

    @classmethod
    def fit(cls, fingerprints: PackedBits, scores: NDArray[np.float64], noise_fractions: Sequence[float]) -> Self:
        """Fit to N molecules; the noise is chosen by marginal likelihood.

        Args:
            fingerprints: Packed bits, uint8 (N, n_bits // 8).
            scores: float64 (N,).
            noise_fractions: Fractions of the scores' variance that the structure may leave unexplained, to choose from.
        """
        mean, scale = float(scores.mean()), float(scores.std()) or 1.0
        targets = (scores - mean) / scale
        kernel = tanimoto_matrix(fingerprints, fingerprints).astype(np.float64)
        fits = []
        for noise in noise_fractions:
            # The variance of the standardised scores, 1, is shared between structure and noise.
            factor, _ = cho_factor((1.0 - noise) * kernel + noise * np.eye(len(kernel)), lower=True)
            weights = cho_solve((factor, True), targets)
            log_likelihood = -0.5 * float(targets @ weights) - float(np.log(np.diag(factor)).sum())
            fits.append((log_likelihood, 1.0 - noise, factor, weights))
        _, signal, factor, weights = max(fits, key=lambda fit: fit[0])
        return cls(fingerprints, mean, scale, signal, factor, weights)

    def predict(self, fingerprints: PackedBits) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation of the scores of M molecules, float64 (M,) each."""
        kernel = self.signal * tanimoto_matrix(fingerprints, self.fingerprints).astype(np.float64)
        explained = np.square(solve_triangular(self.factor, kernel.T, lower=True)).sum(axis=0)
        deviation = np.sqrt(np.clip(self.signal - explained, 1e-6, None))
        return self.mean + self.scale * (kernel @ self.weights), self.scale * deviation


def expected_improvement(mean: NDArray[np.float64], deviation: NDArray[np.float64], best: float) -> NDArray[np.float64]:
    """Return the expected improvement over `best`, a worse molecule counting as 0.

    Args:
        mean: Predicted scores of N molecules, float64 (N,).
        deviation: Their standard deviations, float64 (N,), above 0.
        best: The score to improve on.

    Returns:
        float64 (N,), at least 0.

    References:
        Jones, Schonlau and Welch, Efficient global optimization, Journal of Global Optimization 1998,
        doi:10.1023/A:1008306431147, equation 15.
    """
    z = (mean - best) / deviation
    gain: NDArray[np.float64] = (mean - best) * norm.cdf(z) + deviation * norm.pdf(z)
    return gain
