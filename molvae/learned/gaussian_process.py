"""Gaussian processes on the structure of molecules, and on their latent codes."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from scipy.linalg import LinAlgError, cho_factor, cho_solve, solve_triangular
from scipy.spatial.distance import cdist

from molvae.chem.count_features import FEATURES, Features, compute_features, size, take
from molvae.chem.count_kernels import KERNELS, References
from molvae.learned.regressors import REGRESSORS, Predicted, Regressor, State, TensorSpec, require
from molvae.seeding import numpy_generator

if TYPE_CHECKING:
    from molvae.model.model import MolVAE

MAX_MOLECULES = 4000
"""Molecules that a Gaussian process holds, a random part of more: the time grows with the cube of their number."""
_MAX_TO_CHOOSE = 400
_NOISES = (0.01, 0.03, 0.1, 0.2, 0.4, 0.8)
# Molecules that are predicted together.
_CHUNK = 1024

Kernel = NDArray[np.float64]
"""Parameters of a kernel between molecules that is 1 between a molecule and itself."""


class Similarities(Protocol):
    """Molecules that others are compared with."""

    def __call__(self, others: Features, kernel: Kernel) -> NDArray[np.floating]:
        """Return the kernel between M other molecules and these N, (M, N)."""


class GaussianProcess(Regressor):
    """A Gaussian process with a constant mean, and a kernel and noise that are chosen from a few.

    The kernel and the ratio of noise to signal are those of the highest marginal likelihood, for which the amplitude
    has a closed form: there is no gradient search that might not converge.

    References:
        Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press 2006, section 5.4.1.
        Tripp and Hernandez-Lobato, Diagnosing and fixing common problems in Bayesian optimization for molecule design,
        2024, arXiv:2406.07709.
    """

    kernel_size: ClassVar[int]
    """Number of the parameters of a kernel."""

    def __init__(
        self,
        features: Features,
        values: NDArray[np.float64],
        rows: NDArray[np.int64],
        kernel: Kernel,
        noise: float,
    ) -> None:
        """Solve for the molecules in `rows` of N, with a kernel, and a noise relative to its amplitude."""
        self._rows, self._kernel, self._noise = rows, kernel, noise
        held, targets = take(features, rows), values[rows]
        self._similarities = self.references(held)
        matrix = _with_noise(self._similarities(held, kernel), noise)
        factor, _ = cho_factor(matrix, lower=True, overwrite_a=True)
        self._centre = float(targets.mean())
        self._solved = cho_solve((factor, True), targets - self._centre)
        self._amplitude = float((targets - self._centre) @ self._solved) / len(targets)
        self._factor = factor

    @classmethod
    @abstractmethod
    def kernels(cls, features: Features) -> Sequence[Kernel]:
        """Return the kernels to choose from for N molecules."""

    @classmethod
    @abstractmethod
    def references(cls, features: Features) -> Similarities:
        """Return what compares molecules with these N."""

    @classmethod
    def fit(cls, features: Features, values: NDArray[np.float64], seed: int, n_jobs: int) -> Self:  # noqa: ARG003
        """Choose kernel and noise on a random part of the molecules, and fit them to all, or as many as are held."""
        order = numpy_generator(seed, "gaussian process").permutation(size(features))
        rows = np.sort(order[:MAX_MOLECULES])
        kernel, noise = cls._choose(take(features, order[:_MAX_TO_CHOOSE]), values[order[:_MAX_TO_CHOOSE]])
        return cls(features, values, rows, kernel, noise)

    @classmethod
    def _choose(cls, features: Features, values: NDArray[np.float64]) -> tuple[Kernel, float]:
        """Return the kernel and the noise of the highest marginal likelihood."""
        similarities, best = cls.references(features), (-np.inf, np.empty(0), _NOISES[-1])
        centred = values - values.mean()
        for kernel in cls.kernels(features):
            matrix = _with_noise(similarities(features, kernel), 0.0)
            eigenvalues, vectors = np.linalg.eigh(matrix)
            squares = np.square(vectors.T @ centred)
            for noise in _NOISES:
                scales = np.clip(eigenvalues, 0.0, None) + noise
                # Of values that are all equal it is 0.
                amplitude = max(float(np.mean(squares / scales)), np.finfo(float).tiny)
                likelihood = -0.5 * (len(values) * np.log(amplitude) + np.log(scales).sum())
                if likelihood > best[0]:
                    best = (float(likelihood), kernel, noise)
        return best[1], best[2]

    def predict(self, features: Features) -> Predicted:
        """Predict M molecules; the deviation is that of a measurement, noise included."""
        means, deviations = [np.empty(0)], [np.empty(0)]
        for first in range(0, size(features), _CHUNK):
            matrix = np.asarray(self._similarities(take(features, slice(first, first + _CHUNK)), self._kernel), float)
            explained = np.square(solve_triangular(self._factor, matrix.T, lower=True, check_finite=False)).sum(axis=0)
            means.append(self._centre + matrix @ self._solved)
            deviations.append(np.sqrt(self._amplitude * (np.clip(1.0 - explained, 1e-6, None) + self._noise)))
        return np.concatenate(means), np.concatenate(deviations)

    def state(self) -> State:
        """Return the molecules held, the kernel and the noise; the solution is computed again from the measurements.

        That takes a second for 1,000 molecules and is the same to rounding, while the factor of the kernel matrix would
        fill 8 MB.
        """
        return {"rows": self._rows, "kernel": self._kernel, "noise": np.array(self._noise)}

    @classmethod
    def tensors(cls, n: int) -> Mapping[str, TensorSpec]:
        """Return what the state looks like."""
        return {
            "rows": TensorSpec("int64", 1, min(n, MAX_MOLECULES)),
            "kernel": TensorSpec("float64", 1, cls.kernel_size),
            "noise": TensorSpec("float64", 0, 1),
        }

    @classmethod
    def from_state(cls, state: State, features: Features, values: NDArray[np.float64]) -> Self:
        """Fit again to the same molecules, with the same kernel and noise."""
        rows, kernel, noise = state["rows"], state["kernel"], float(state["noise"])
        require(len(rows) > 0 and bool(np.all(np.diff(rows) > 0)), "rows in order")
        require(rows[0] >= 0 and rows[-1] < len(values), "rows of the measurements")
        require(len(kernel) == cls.kernel_size and bool(np.all(kernel >= 0.0)) and kernel.sum() > 0.0, "a kernel")
        require(_NOISES[0] / 2 <= noise <= 2 * _NOISES[-1], "a noise from 0.01 to 0.8")
        try:
            return cls(features, values, rows, kernel, noise)
        except LinAlgError as error:
            raise ValueError(f"expected a kernel matrix that can be solved, found otherwise ({error})") from error


def _with_noise(matrix: NDArray[np.floating], noise: float) -> NDArray[np.float64]:
    """Return a kernel matrix with noise; a molecule without features is similar to itself too."""
    noisy = np.asarray(matrix, dtype=np.float64).copy()
    noisy[np.diag_indices_from(noisy)] = 1.0 + noise
    return noisy


@REGRESSORS.register("gaussian_process")
class CountGaussianProcess(GaussianProcess):
    """A Gaussian process on counts of substructures, composition and descriptors."""

    kernel_size: ClassVar[int] = len(FEATURES)

    @classmethod
    def describe(cls, mols: Sequence[Chem.Mol], smiles: Sequence[str], model: "MolVAE | None") -> Features:  # noqa: ARG003
        """Return the count features of N molecules."""
        return compute_features(mols)

    @classmethod
    def kernels(cls, features: Features) -> Sequence[Kernel]:  # noqa: ARG003
        """Return weights of the features."""
        return [np.array([kernel.get(name, 0.0) for name in FEATURES]) for kernel in KERNELS]

    @classmethod
    def references(cls, features: Features) -> Similarities:
        """Return what compares molecules with these N."""
        references = References(features)
        return lambda others, kernel: references.similarities(
            others, {name: weight for name, weight in zip(FEATURES, kernel.tolist(), strict=True) if weight > 0.0}
        )


@REGRESSORS.register("latent_gaussian_process")
class LatentGaussianProcess(GaussianProcess):
    """A Gaussian process on latent codes, with a squared exponential kernel."""

    needs_model: ClassVar[bool] = True
    kernel_size: ClassVar[int] = 1
    # Of the median distance between two molecules.
    _lengths: ClassVar[tuple[float, ...]] = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0)

    @classmethod
    def describe(cls, mols: Sequence[Chem.Mol], smiles: Sequence[str], model: "MolVAE | None") -> Features:  # noqa: ARG003
        """Return the codes of N molecules; NaN, and so similar to nothing, where the model cannot encode one."""
        assert model is not None, "only competes where there is a model"
        return {"codes": model.encode(smiles)}

    @classmethod
    def kernels(cls, features: Features) -> Sequence[Kernel]:
        """Return length scales."""
        codes = features["codes"][np.isfinite(features["codes"]).all(axis=1)]
        distances = cdist(codes, codes)[np.triu_indices(len(codes), 1)]
        median = float(np.median(distances)) if len(distances) else 1.0
        return [np.array([factor * median or 1.0]) for factor in cls._lengths]

    @classmethod
    def references(cls, features: Features) -> Similarities:
        """Return what compares molecules with these N."""
        codes = features["codes"].astype(np.float64)

        def similarities(others: Features, kernel: Kernel) -> NDArray[np.floating]:
            distances = cdist(others["codes"].astype(np.float64), codes)
            similarity: NDArray[np.float64] = np.nan_to_num(np.exp(-0.5 * np.square(distances / kernel[0])))
            return similarity

        return similarities
