"""Prediction intervals that hold whatever the model: conformal, scaled by each molecule's deviation.

References:
    Papadopoulos et al., Inductive confidence machines for regression, ECML 2002, doi:10.1007/3-540-36755-1_29.
    Vovk, Cross-conformal predictors, Annals of Mathematics and Artificial Intelligence 2015,
    doi:10.1007/s10472-013-9368-4.
    Svensson et al., Conformal regression for quantitative structure-activity relationship modeling, Journal of Chemical
    Information and Modeling 2018, doi:10.1021/acs.jcim.8b00054.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NOMINAL = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Coverages of the calibration curve."""


def conformal_factor(errors: NDArray[np.float64], coverage: float) -> float:
    """Return by which factor of its deviation an interval reaches to both sides of a prediction.

    Args:
        errors: Absolute held-out errors, each divided by its prediction's deviation, float64 (N,).
        coverage: Fraction of new values that the intervals are to cover, in (0, 1).

    Returns:
        The smallest factor that guarantees the coverage of a value that is exchangeable with the N; infinite if N is
        too small for it.
    """
    rank = math.ceil((len(errors) + 1) * coverage)
    return math.inf if rank > len(errors) else float(np.partition(errors, rank - 1)[rank - 1])


def calibration_curve(
    errors: NDArray[np.float64], folds: NDArray[np.int64], nominal: Sequence[float] = NOMINAL
) -> list[float]:
    """Return the fraction of held-out values that intervals cover, for each nominal coverage.

    The intervals of a fold are calibrated on the other folds alone.

    Args:
        errors: As in `conformal_factor`.
        folds: Number of each molecule's fold, int64 (N,).
        nominal: Coverages asked for.
    """
    actual = []
    for coverage in nominal:
        factors = {fold: conformal_factor(errors[folds != fold], coverage) for fold in np.unique(folds).tolist()}
        actual.append(float(np.mean(errors <= np.array([factors[fold] for fold in folds.tolist()]))))
    return actual
