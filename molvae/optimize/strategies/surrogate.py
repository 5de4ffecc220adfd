"""A cheap prediction of scores, to choose which molecules are worth an oracle call."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.stats import rankdata

from molvae.chem.count_features import Features, compute_features, join, size, take
from molvae.chem.count_kernels import KERNELS, Kernel, References
from molvae.config import SurrogateConfig
from molvae.seeding import numpy_generator

_MIN_TO_CHOOSE = 40
# The kernel is chosen again when there are so many times the scores of the last choice.
_CHOSEN_AGAIN = 1.5


class Surrogate:
    """A Gaussian process on structures, without hyperparameters that are fitted: amplitude 1, and little noise.

    While even the best score is tiny, ranks are predicted instead. Of the scored molecules it holds the best and a
    random part of the others, to which new ones are added. Its kernel is the one of a few whose leave-one-out
    predictions rank those molecules best.

    References:
        Tripp and Hernandez-Lobato, Diagnosing and fixing common problems in Bayesian optimization for molecule design,
        2024, arXiv:2406.07709 (counts, and a fixed prior).
        Griffiths et al., GAUCHE: a library for Gaussian processes in chemistry, NeurIPS 2023, arXiv:2212.04450.
    """

    def __init__(self, settings: SurrogateConfig, seed: int) -> None:
        """Begin without molecules."""
        self.kernel: Kernel = KERNELS[0]
        self.values: NDArray[np.float64] = np.empty(0)
        """What is predicted, of all molecules in the order in which they were added: scores, or ranks in [0, 1]."""
        self._centre, self._scale = 0.0, 1.0
        self._settings, self._seed = settings, seed
        self._features = compute_features([])
        self._rows: NDArray[np.int64] = np.empty(0, np.int64)
        self._n_at_choice = 0
        self._references = References(self._features)
        self._matrix = np.empty((0, 0), np.float32)

    @property
    def names(self) -> tuple[str, ...]:
        """The features that predictions need."""
        return tuple(self.kernel)

    def add(self, features: Features) -> None:
        """Add molecules."""
        first = size(self._features)
        self._features = join([self._features, features])
        self._rows = np.concatenate([self._rows, np.arange(first, size(self._features))])

    def fit(self, scores: NDArray[np.float64], satisfied: NDArray[np.bool_] | None = None) -> None:
        """Fit to the scores of all molecules that were added.

        Args:
            scores: float64 (N,).
            satisfied: Whether they satisfy constraints that are to be predicted as well, bool (N,).
        """
        self.values = scores if scores.max() >= self._settings.rank_below else _ranks(scores)
        self._centre, self._scale = float(self.values.mean()), float(self.values.std()) or 1.0
        thin = len(self._rows) > self._settings.max_molecules
        if thin:
            self._rows = self._best_and_others(np.arange(size(self._features)), self._settings.max_molecules * 2 // 3)
        if thin or len(self._rows) > max(_MIN_TO_CHOOSE, _CHOSEN_AGAIN * self._n_at_choice):
            if self._settings.choose_kernel:
                self.kernel = self._best_kernel()
            self._n_at_choice = len(self._rows)
            self._matrix = np.empty((0, 0), np.float32)
        self._extend()
        matrix = self._matrix.astype(np.float64)
        matrix[np.diag_indices_from(matrix)] += self._settings.noise
        factor, _ = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        self._solved = cho_solve((factor, True), self._targets(self._rows), check_finite=False)
        if satisfied is not None:
            held = satisfied[self._rows].astype(np.float64)
            self._fraction_held = float(held.mean())
            self._solved_held = cho_solve((factor, True), held - self._fraction_held, check_finite=False)
        self._factor = factor.astype(np.float32)

    def predict(self, features: Features) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return means of the values of M molecules, and deviations in units of the prior's, float64 (M,) each."""
        matrix = self._references.similarities(features, self.kernel)
        explained = np.square(solve_triangular(self._factor, matrix.T, lower=True, check_finite=False)).sum(axis=0)
        # In units of the scores' range, not of their deviation: a search must not lose interest once all are alike.
        deviation = np.sqrt(np.clip(1.0 - explained.astype(np.float64), 1e-6, None))
        return self._centre + self._scale * (matrix @ self._solved), deviation

    def probability(self, features: Features) -> NDArray[np.float64]:
        """Return about how probably M molecules satisfy the constraints that it was fitted to, float64 (M,)."""
        matrix = self._references.similarities(features, self.kernel)
        return np.clip(self._fraction_held + matrix @ self._solved_held, 0.0, 1.0)

    def _targets(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return (self.values[rows] - self._centre) / self._scale

    def _best_and_others(self, rows: NDArray[np.int64], n: int) -> NDArray[np.int64]:
        """Return about n rows in their order: the best half, and others drawn at random."""
        order = rows[np.argsort(-self.values[rows], kind="stable")]
        rng = numpy_generator(self._seed, f"thin {size(self._features)}")
        return np.sort(np.concatenate([order[: n // 2], rng.permutation(order[n // 2 :])[: n // 2]]))

    def _extend(self) -> None:
        """Bring the kernel matrix up to the rows, of which it may hold the first ones."""
        known = len(self._matrix)
        features = {name: self._features[name][self._rows] for name in self.kernel}
        self._references = References(features)
        if known < len(self._rows):
            new = self._references.similarities(take(features, slice(known, None)), self.kernel)
            self._matrix = np.block([[self._matrix, new[:, :known].T], [new]])

    def _best_kernel(self) -> Kernel:
        rows = self._best_and_others(self._rows, self._settings.max_to_choose)
        if np.ptp(self.values[rows]) == 0.0:
            return self.kernel
        features, targets = take(self._features, rows), self._targets(rows)
        references = References(features)
        parts = {name: references.similarities(features, {name: 1.0}) for name in features}
        rated = [(self._rating(kernel, parts, targets), -i) for i, kernel in enumerate(KERNELS)]
        return KERNELS[-max(rated)[1]]

    def _rating(self, kernel: Kernel, parts: Mapping[str, NDArray[Any]], targets: NDArray[np.float64]) -> float:
        """Return the rank correlation of leave-one-out predictions with the scores."""
        matrix = sum(weight * parts[name].astype(np.float64) for name, weight in kernel.items())
        inverse = np.linalg.inv(matrix + self._settings.noise * np.eye(len(targets)))
        predicted = targets - (inverse @ targets) / np.diag(inverse)
        return float(np.corrcoef(rankdata(predicted), rankdata(targets))[0, 1])


class Surrogates:
    """A Gaussian process for each of several goals that is predicted, with a kernel of its own."""

    def __init__(self, settings: SurrogateConfig, seed: int, is_predicted: NDArray[np.bool_]) -> None:
        """Begin without molecules.

        Args:
            settings: Those of each.
            seed: Seed of the search.
            is_predicted: Which of the K goals, bool (K,).
        """
        self._n_goals = len(is_predicted)
        # One at least, which predicts whether constraints are satisfied.
        goals = np.flatnonzero(is_predicted).tolist() or [0]
        self._of_goal = {goal: Surrogate(settings, seed) for goal in goals}
        self._first = self._of_goal[goals[0]]

    @property
    def names(self) -> tuple[str, ...]:
        """The features that predictions need."""
        return tuple(dict.fromkeys(name for surrogate in self._of_goal.values() for name in surrogate.kernel))

    def add(self, features: Features) -> None:
        """Add molecules."""
        for surrogate in self._of_goal.values():
            surrogate.add(features)

    def fit(self, values: NDArray[np.float64], satisfied: NDArray[np.bool_] | None = None) -> None:
        """Fit to the values of all molecules that were added, float64 (N, K); see `Surrogate.fit`."""
        for goal, surrogate in self._of_goal.items():
            surrogate.fit(values[:, goal], satisfied if surrogate is self._first else None)

    def predict(self, features: Features) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation for M molecules, float64 (M, K) each; 0 for what is not predicted."""
        mean, deviation = np.zeros((2, size(features), self._n_goals))
        for goal, surrogate in self._of_goal.items():
            mean[:, goal], deviation[:, goal] = surrogate.predict(features)
        return mean, deviation

    def probability(self, features: Features) -> NDArray[np.float64]:
        """Return about how probably M molecules satisfy the constraints that it was fitted to, float64 (M,)."""
        return self._first.probability(features)


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks of scores, from 0 to 1 for the best; equal scores have equal ranks."""
    ranks = rankdata(scores, "dense") - 1.0
    return np.asarray(ranks / max(ranks.max(), 1.0))
