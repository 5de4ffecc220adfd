"""Cross-validation of the models that compete: at random, and with whole scaffolds held out."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, model_validator
from scipy.stats import rankdata

from molvae.chem.count_features import Features, take
from molvae.chem.molecules import parse
from molvae.chem.scaffolds import murcko_scaffold
from molvae.learned.intervals import NOMINAL, calibration_curve
from molvae.learned.regressors import Regressor
from molvae.section import Count, Fraction, NonNegative, Section
from molvae.seeding import numpy_generator

Split = Literal["scaffold", "random"]
SPLITS: tuple[Split, ...] = ("scaffold", "random")
N_FOLDS = 5
# Of the standard deviation of all values. A model of values that happen to be equal knows no deviation of its own.
_MIN_DEVIATION = 1e-3
# With fewer, hardly anything is left to learn from when one is held out.
_MIN_SCAFFOLDS = 3


class Errors(Section):
    """How far the predictions of held-out molecules are from their measured values."""

    rmse: Annotated[NonNegative, Field(allow_inf_nan=False)]
    """Root of the mean squared error, in the unit of the values."""
    mae: Annotated[NonNegative, Field(allow_inf_nan=False)]
    """Mean absolute error, in the unit of the values."""
    r2: FiniteFloat
    """Fraction of the variance that is explained; below 0 the mean of the values would be better."""
    spearman: FiniteFloat
    """Rank correlation; 0 where all predictions are equal."""
    n: Count
    """Number of molecules."""

    @classmethod
    def of(cls, values: NDArray[np.float64], predicted: NDArray[np.float64]) -> Self:
        """Compare N predictions with the measured values, float64 (N,) each."""
        errors = predicted - values
        ranks, order = rankdata(values), rankdata(predicted)
        return cls(
            rmse=float(np.sqrt(np.mean(np.square(errors)))),
            mae=float(np.mean(np.abs(errors))),
            r2=float(1.0 - np.mean(np.square(errors)) / np.var(values)),
            spearman=float(np.corrcoef(ranks, order)[0, 1]) if np.ptp(predicted) > 0.0 else 0.0,
            n=len(values),
        )


class Candidate(Section):
    """The errors of one of the models that compete."""

    name: str
    """Its name in `molvae.learned.regressors.REGRESSORS`."""
    random: Errors
    """With a random fifth of the molecules held out at a time."""
    scaffold: Errors | None
    """With whole Bemis-Murcko scaffolds held out; None if there are too few of them."""

    def errors(self, split: Split) -> Errors:
        """Return the errors of a split.

        Raises:
            ValueError: If it has none.
        """
        errors = self.scaffold if split == "scaffold" else self.random
        if errors is None:
            raise ValueError(f"expected errors of the {split} split, found none")
        return errors


class CalibrationPoint(Section):
    """A point of the calibration curve."""

    nominal: Fraction
    """Coverage asked for."""
    actual: Fraction
    """Fraction of the held-out values that the intervals cover."""


class Validation(Section):
    """What cross-validation says of the models that competed."""

    candidates: Annotated[tuple[Candidate, ...], Field(min_length=1, max_length=20)]
    """The models, the best first."""
    kept: str
    """Name of the one that is kept."""
    split: Split
    """By which RMSE it was chosen, and whose errors its intervals are made of."""
    calibration: Annotated[tuple[CalibrationPoint, ...], Field(max_length=100)]
    """The calibration curve of the one that is kept, on that split."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kept not in [candidate.name for candidate in self.candidates]:
            raise ValueError(f"kept: expected one of the candidates, found {self.kept!r}")
        self.errors.rmse  # noqa: B018 - raises without errors of the split
        return self

    @property
    def splits(self) -> list[Split]:
        """The splits that there are."""
        return [split for split in SPLITS if split == "random" or self.candidates[0].scaffold is not None]

    @property
    def errors(self) -> Errors:
        """The errors of the one that is kept, on the split by which it was chosen."""
        return next(c for c in self.candidates if c.name == self.kept).errors(self.split)


class HeldOut:
    """Predictions of N molecules, each by a model that was fitted without it.

    Attributes:
        folds: Number of each molecule's fold, int64 (N,).
        mean: Predictions, float64 (N,).
        deviation: Their deviations, float64 (N,).
    """

    def __init__(self, folds: NDArray[np.int64], mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> None:
        """Take the arrays."""
        self.folds, self.mean, self.deviation = folds, mean, deviation

    def scaled_errors(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the absolute errors, each divided by its prediction's deviation, float64 (N,)."""
        return np.abs(values - self.mean) / self.deviation

    def calibration(self, values: NDArray[np.float64]) -> tuple[CalibrationPoint, ...]:
        """Return the calibration curve."""
        actual = calibration_curve(self.scaled_errors(values), self.folds)
        return tuple(CalibrationPoint(nominal=n, actual=a) for n, a in zip(NOMINAL, actual, strict=True))


def make_folds(smiles: Sequence[str], seed: int) -> dict[Split, NDArray[np.int64]]:
    """Assign N molecules to folds.

    Returns:
        The number of each molecule's fold, int64 (N,), by the name of the split; `scaffold` is missing for fewer than 3
        scaffolds.
    """
    rng = numpy_generator(seed, "learned folds")
    folds: dict[Split, NDArray[np.int64]] = {}
    # A molecule without rings is a scaffold of its own.
    scaffolds = [murcko_scaffold(mol) or text for text in smiles if (mol := parse(text)) is not None]
    if len(set(scaffolds)) >= _MIN_SCAFFOLDS:
        folds["scaffold"] = _group_folds(scaffolds, rng)
    return {**folds, "random": rng.permutation(len(smiles)) % N_FOLDS}


def _group_folds(groups: Sequence[str], rng: np.random.Generator) -> NDArray[np.int64]:
    """Assign whole groups to folds of about equal size: the largest first, each to the smallest fold."""
    names, group, counts = np.unique(
        np.array(groups, dtype=object).astype(str), return_inverse=True, return_counts=True
    )
    sizes = np.zeros(min(N_FOLDS, len(names)), dtype=np.int64)
    fold_of = np.empty(len(names), dtype=np.int64)
    shuffled = rng.permutation(len(names))
    for name in shuffled[np.argsort(-counts[shuffled], kind="stable")].tolist():
        fold_of[name] = np.argmin(sizes)
        sizes[fold_of[name]] += counts[name]
    return np.asarray(fold_of[group], dtype=np.int64)


def hold_out(
    kind: type[Regressor],
    features: Features,
    values: NDArray[np.float64],
    folds: NDArray[np.int64],
    seed: int,
    n_jobs: int,
) -> HeldOut:
    """Predict every molecule by a model that is fitted to the other folds.

    Args:
        kind: The kind of model.
        features: Its features of N molecules.
        values: Their values, float64 (N,).
        folds: As in `make_folds`.
        seed: Seed of the fits.
        n_jobs: Threads of a forest.
    """
    mean, deviation = np.empty(len(values)), np.empty(len(values))
    for fold in np.unique(folds).tolist():
        held, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        fitted = kind.fit(take(features, others), values[others], seed, n_jobs)
        mean[held], deviation[held] = fitted.predict(take(features, held))
    return HeldOut(folds, mean, np.maximum(deviation, _MIN_DEVIATION * values.std()))
