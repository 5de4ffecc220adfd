"""A model learned from a measured column: the best of a few, with intervals and an applicability domain."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.quiet import quiet
from molvae.chem.standardise import Standardised
from molvae.errors import ConfigError
from molvae.learned.domain import Domain, fingerprint
from molvae.learned.forms import standard_forms
from molvae.learned.intervals import conformal_factor
from molvae.learned.measurements import Measurements
from molvae.learned.regressors import REGRESSORS, Regressor
from molvae.learned.validation import SPLITS, Candidate, Errors, HeldOut, Split, Validation, hold_out, make_folds
from molvae.log import logger

if TYPE_CHECKING:
    from molvae.model.model import MolVAE

# Molecules whose features are in memory at a time.
_CHUNK = 2048


@dataclass(frozen=True)
class Prediction:
    """What a learned model says of M molecules; NaN, False or empty for what is not a molecule, or takes too long.

    Attributes:
        mean: Predicted values, float64 (M,).
        low: Lower ends of the intervals, float64 (M,).
        high: Upper ends of the intervals, float64 (M,).
        deviation: What scales the width of the intervals, float64 (M,).
        in_domain: Whether the molecule is in the applicability domain (see `molvae.learned.domain`), bool (M,).
        nearest: SMILES of the nearest measured molecule.
        nearest_value: Its measured value, float64 (M,).
        nearest_similarity: Tanimoto similarity to it, ECFP4 (2,048 bits), float64 (M,).
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    deviation: NDArray[np.float64]
    in_domain: NDArray[np.bool_]
    nearest: list[str]
    nearest_value: NDArray[np.float64]
    nearest_similarity: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LearnedModel:
    """A fitted model of a measured column.

    Attributes:
        measurements: The N measured molecules.
        validation: The models that competed, and their errors.
        held_out: Predictions of the measured molecules by the kept kind of model, fitted without them, by split.
        regressor: The kept model, fitted to all measurements.
        seed: The seed that it was fitted with.
        encoder: The MolVAE whose codes are its features, where they are.
        threshold: That of the applicability domain, where it is known.
        domain: The applicability domain.
    """

    measurements: Measurements
    validation: Validation
    held_out: dict[Split, HeldOut]
    regressor: Regressor
    seed: int
    encoder: "MolVAE | None" = None
    threshold: float | None = None
    domain: Domain = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the search for the nearest measured molecule."""
        object.__setattr__(self, "domain", Domain(self.measurements.smiles, self._tested.folds, self.threshold))

    @property
    def column(self) -> str:
        """Name of the measured column."""
        return self.measurements.column

    @property
    def _tested(self) -> HeldOut:
        """The held-out predictions that intervals and domain are made of."""
        return self.held_out[self.validation.split]

    def predict(self, smiles: Sequence[str], coverage: float = 0.8) -> Prediction:
        """Predict M molecules, which are brought to the standard form of the measured ones first.

        Args:
            smiles: M SMILES.
            coverage: Fraction of measured values that the intervals are to cover, in (0, 1). It holds for molecules
                that differ from the measured ones as the held-out molecules of cross-validation did; an interval is
                infinite where there are too few measurements for so much.

        Raises:
            ValueError: If the coverage is not between 0 and 1.
        """
        if not 0.0 < coverage < 1.0:
            raise ValueError(f"coverage: expected a fraction between 0 and 1, found {coverage}")
        factor = conformal_factor(self._tested.scaled_errors(self.measurements.values), coverage)
        n = len(smiles)
        mean, deviation, similarity = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
        nearest = np.full(n, -1, dtype=np.int64)
        for first in range(0, n, _CHUNK):
            forms = standard_forms(smiles[first : first + _CHUNK], [type(self.regressor)])
            molecules = [form for form in forms if isinstance(form, Standardised)]
            if molecules:
                at = first + np.flatnonzero([isinstance(form, Standardised) for form in forms])
                mean[at], deviation[at] = self._predict(molecules)
                similarity[at], nearest[at] = self.domain.nearest([fingerprint(one.mol) for one in molecules])
        return Prediction(
            mean=mean,
            low=mean - factor * deviation,
            high=mean + factor * deviation,
            deviation=deviation,
            in_domain=similarity >= self.domain.threshold,
            nearest=["" if row < 0 else self.measurements.smiles[row] for row in nearest.tolist()],
            nearest_value=np.where(nearest < 0, np.nan, self.measurements.values[nearest]),
            nearest_similarity=similarity,
        )

    def _predict(self, molecules: Sequence[Standardised]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        with quiet():
            features = self.regressor.describe(
                [molecule.mol for molecule in molecules], [molecule.smiles for molecule in molecules], self.encoder
            )
        return self.regressor.predict(features)

    def save(self, folder: Path) -> None:
        """Save the model as a folder that `load` reads, whole or not at all; other files in it stay."""
        from molvae.learned.folder import save

        save(self, folder)


def fit(measurements: Measurements, *, seed: int, n_jobs: int = 1, model: "MolVAE | None" = None) -> LearnedModel:
    """Let the models of `REGRESSORS` compete, and fit the best one to all measurements.

    Each is cross-validated with random fifths held out and with whole Bemis-Murcko scaffolds held out. The one of the
    lowest RMSE on held-out scaffolds is kept: the molecules that it is for are new, and often on scaffolds that were
    not measured, where errors at random flatter a model that interpolates between near twins.

    Args:
        measurements: What was measured.
        seed: Seed of the folds and fits.
        n_jobs: Threads of a forest.
        model: A trained MolVAE, for a model on its codes to compete as well.

    Raises:
        ConfigError: If the MolVAE predicts the column itself.
    """
    if model is not None:
        _refuse_a_head_of(measurements.column, model)
    mols = [Chem.MolFromSmiles(smiles) for smiles in measurements.smiles]
    folds = make_folds(measurements.smiles, seed)
    split = next(name for name in SPLITS if name in folds)
    kinds = {name: kind for name, kind in REGRESSORS.items() if model is not None or not kind.needs_model}
    with quiet():
        features = {name: kind.describe(mols, measurements.smiles, model) for name, kind in kinds.items()}
    held_out = {
        name: {of: hold_out(kind, features[name], measurements.values, folds[of], seed, n_jobs) for of in folds}
        for name, kind in kinds.items()
    }
    errors = {
        name: {of: Errors.of(measurements.values, held.mean) for of, held in by_split.items()}
        for name, by_split in held_out.items()
    }
    ranked = sorted(kinds, key=lambda name: errors[name][split].rmse)
    kept = ranked[0]
    validation = Validation(
        candidates=tuple(
            Candidate(name=name, random=errors[name]["random"], scaffold=errors[name].get("scaffold"))
            for name in ranked
        ),
        kept=kept,
        split=split,
        calibration=held_out[kept][split].calibration(measurements.values),
    )
    _log(measurements, validation)
    fitted = kinds[kept].fit(features[kept], measurements.values, seed, n_jobs)
    encoder = model if kinds[kept].needs_model else None
    return LearnedModel(measurements, validation, held_out[kept], fitted, seed, encoder)


def _refuse_a_head_of(column: str, model: "MolVAE") -> None:
    """Refuse a model whose codes were shaped by the values that cross-validation holds out."""
    names = [scale.name for scale in model.scales if scale.name.casefold() == column.casefold()]
    if names:
        raise ConfigError(
            f"--model: expected a model that was not trained on {column!r}, found {names[0]!r} in its property head; "
            "its codes may know the values that cross-validation holds out; give another model, or learn without one"
        )


def _log(measurements: Measurements, validation: Validation) -> None:
    for candidate in validation.candidates:
        errors = candidate.errors(validation.split)
        logger.info(
            "%s: %s, held out by %s: RMSE %.3f, R2 %.2f, Spearman %.2f of %d%s",
            *(measurements.column, candidate.name, validation.split, errors.rmse, errors.r2, errors.spearman, errors.n),
            " (kept)" if candidate.name == validation.kept else "",
        )
