"""A Gaussian process on the structure of molecules whose kernel is fitted to what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

from molvae.chem.count_features import Features, size, take
from molvae.propose.kernels import KERNELS, References, prior_variances
from molvae.seeding import numpy_generator

MAX_MOLECULES = 4_000
"""Molecules that it holds: the time grows with the cube of their number, and with it that of a pool of millions."""
MAX_TO_FIT = 800
"""Molecules that the kernel is fitted to."""
_CHUNK = 2_048
# Log-normal priors of the weights and of the noise, in units of the values' variance: weak, but with few measurements
# they prevent a fit that explains everything, or nothing, by noise.
_WEIGHT, _WEIGHT_SD = 0.3, 5.0
_NOISE, _NOISE_SD = 0.1, 2.0
_BOUNDS = (-9.0, 3.0)
_MAX_STEPS = 60


@dataclass(frozen=True)
class MeanFunction:
    """The predicted mean alone, which is small enough to be sent to other processes.

    Attributes:
        features: Those of the K measured molecules that are held.
        weights: Weights of the kernels.
        coefficients: Coefficients of the similarities to them, float64 (K,).
        centre: Predicted where all similarities are 0.
    """

    features: Features
    weights: Mapping[str, float]
    coefficients: NDArray[np.float64]
    centre: float

    def __call__(self, features: Features) -> NDArray[np.float64]:
        """Predict the values of M molecules, float64 (M,)."""
        references = References(self.features)
        means = [np.empty(0)]
        for first in range(0, size(features), _CHUNK):
            chunk = take(features, slice(first, first + _CHUNK))
            means.append(self.centre + references.similarities(chunk, self.weights) @ self.coefficients)
        return np.concatenate(means)


class GaussianProcess:
    """A Gaussian process with a constant mean, whose kernel is a weighted sum of kernels on different features.

    The weights, and the variance of the noise, are those of the highest posterior density under weak priors. So a
    column that follows size and lipophilicity, as docking scores do, is predicted by these, and one that follows single
    groups by substructures.

    Attributes:
        weights: Variances of the parts, by the names of features, in units of the values' variance.
        noise: Variance of the noise in these units.
        rows: The measured molecules that it holds, int64 (K,).

    References:
        Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press 2006, sections 5.4.1 (the gradient)
        and 5.4.2 (leaving one out).
        Griffiths et al., GAUCHE: a library for Gaussian processes in chemistry, NeurIPS 2023, arXiv:2212.04450.
    """

    def __init__(self, features: Features, values: NDArray[np.float64], seed: int) -> None:
        """Fit to N measured molecules, at least two of whose values, float64 (N,), differ; larger ones are better."""
        self._centre, self._scale = float(values.mean()), float(values.std())
        targets = (values - self._centre) / self._scale
        rng = numpy_generator(seed, "gaussian process")
        fitted = rng.permutation(len(values))[:MAX_TO_FIT]
        self.weights, self.noise = _fitted(take(features, fitted), targets[fitted])
        self.rows = _best_and_others(values, MAX_MOLECULES, rng)
        self._held = take(features, self.rows)
        self._references = References(self._held)
        matrix = self._references.similarities(self._held, self.weights).astype(np.float64)
        matrix[np.diag_indices_from(matrix)] += self.noise
        self._factor, _ = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        self._targets = targets[self.rows]
        self._solved = cho_solve((self._factor, True), self._targets, check_finite=False)

    @property
    def mean(self) -> MeanFunction:
        """The function that predicts values."""
        return MeanFunction(self._held, self.weights, self._scale * self._solved, self._centre)

    def predict(self, features: Features) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation of a measurement of M molecules, noise included, float64 (M,) each."""
        means, variances = [np.empty(0)], [np.empty(0)]
        for first in range(0, size(features), _CHUNK):
            chunk = take(features, slice(first, first + _CHUNK))
            matrix = self._references.similarities(chunk, self.weights).astype(np.float64)
            explained = np.square(solve_triangular(self._factor, matrix.T, lower=True, check_finite=False)).sum(axis=0)
            means.append(matrix @ self._solved)
            prior = prior_variances(chunk, self.weights)
            variances.append(np.clip(prior - explained, 0.0, None) + self.noise)
        return self._centre + self._scale * np.concatenate(means), self._scale * np.sqrt(np.concatenate(variances))

    def scaled_errors(self) -> NDArray[np.float64]:
        """Return the absolute errors of leave-one-out predictions of the molecules held, divided by the deviations."""
        inverse = cho_solve((self._factor, True), np.eye(len(self.rows)), check_finite=False)
        return np.abs(self._solved) / np.sqrt(inverse.diagonal())


def _best_and_others(values: NDArray[np.float64], n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return about n rows in order, all if there are no more: the best half, and others at random."""
    order = np.argsort(-values, kind="stable")
    return np.sort(np.concatenate([order[: n // 2], rng.permutation(order[n // 2 :])[: n - n // 2]]))


def _fitted(features: Features, targets: NDArray[np.float64]) -> tuple[dict[str, float], float]:
    """Return the weights of the features, and the noise, of the highest posterior density."""
    references = References(features)
    parts = np.stack([references.kernel(name, features).numpy().astype(np.float64) for name in KERNELS])
    means = np.log([_WEIGHT] * len(parts) + [_NOISE])
    precisions = np.array([_WEIGHT_SD] * len(parts) + [_NOISE_SD]) ** -2.0

    def loss(logs: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the negative log posterior density, and its gradient."""
        scales = np.exp(logs)
        matrix = np.tensordot(scales[:-1], parts, 1)
        matrix[np.diag_indices_from(matrix)] += scales[-1]
        factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        inverse = cho_solve(factor, np.eye(len(targets)), check_finite=False)
        solved = inverse @ targets
        likelihood = 0.5 * targets @ solved + np.log(factor[0].diagonal()).sum()
        slope = inverse - np.outer(solved, solved)
        gradient = 0.5 * scales * np.append(np.tensordot(parts, slope, 2), slope.trace())
        offsets = logs - means
        return likelihood + 0.5 * precisions @ offsets**2, gradient + precisions * offsets

    result = minimize(
        loss, means, jac=True, method="L-BFGS-B", bounds=[_BOUNDS] * len(means), options={"maxiter": _MAX_STEPS}
    )
    return dict(zip(KERNELS, np.exp(result.x[:-1]).tolist(), strict=True)), float(np.exp(result.x[-1]))
