"""How well the property head predicts held-out molecules, beside a model that needs no codes."""

from typing import Any

import numpy as np
import pandas as pd
from rdkit import Chem

from molvae.chem.count_features import Features
from molvae.learned.gaussian_process import MAX_MOLECULES, CountGaussianProcess
from molvae.learned.validation import Errors
from molvae.log import logger
from molvae.metrics.metric import Metric, to_json
from molvae.model.model import MolVAE
from molvae.seeding import numpy_generator
from molvae.tables import MEASURED

MIN_MEASURED = 10
"""Measured molecules of a split below which its errors say nothing."""

MAX_MEASURED = 10_000
"""Measured molecules of a split that are predicted, drawn at random where there are more."""

BASELINE = (
    "Gaussian process on ECFP6, FCFP4 and atom-pair counts, fitted to the same training molecules, or to "
    f"{MAX_MOLECULES:,} of them where there are more"
)


def property_head_metrics(model: MolVAE, molecules: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Compare the property head with a Gaussian process on counts of substructures.

    Args:
        model: The model.
        molecules: The prepared molecules, with columns smiles, split, and the measured properties.
        seed: Seed of the baseline, which holds a random part of many training molecules.

    Returns:
        For each property that the model predicts and the table has, its metrics by name: `r2_test`, `rmse_test`,
        `baseline_r2_test`, `baseline_rmse_test`, and the same of `validation`; those of a split whose measured
        molecules are fewer than 10, or have all one value, are left out. `r2_test` has a warning where the baseline is
        better.
    """
    metrics = {}
    for scale in model.scales:
        column = f"{MEASURED}{scale.name}"
        if column not in molecules:
            logger.warning("the molecules have no measured %s: its predictions are not evaluated", scale.name)
            continue
        measured = molecules[molecules[column].notna()]
        metrics[scale.name] = to_json(_of_property(model, measured, scale.name, scale.unit, seed))
    return metrics


def _of_property(model: MolVAE, measured: pd.DataFrame, name: str, unit: str, seed: int) -> dict[str, Metric]:
    # As many as the baseline holds: it describes each with a vector of thousands of counts.
    train = _drawn(measured, "train", MAX_MOLECULES, seed)
    if len(train) < MIN_MEASURED:
        return {}
    values = train[f"{MEASURED}{name}"].to_numpy(dtype=np.float64)
    baseline = CountGaussianProcess.fit(_features(train), values, seed, 1)
    metrics: dict[str, Metric] = {}
    for split in ("validation", "test"):
        rows = _drawn(measured, split, MAX_MEASURED, seed)
        actual = rows[f"{MEASURED}{name}"].to_numpy(dtype=np.float64)
        predicted = model.predict(rows["smiles"].tolist())[name].to_numpy(dtype=np.float64)
        known = np.isfinite(predicted)
        if known.sum() < MIN_MEASURED or np.ptp(actual[known]) == 0.0:
            continue
        head = Errors.of(actual[known], predicted[known])
        other = Errors.of(actual[known], baseline.predict(_features(rows))[0][known])
        metrics |= _metrics(name, unit, split, head, other)
    return metrics


def _drawn(measured: pd.DataFrame, split: str, most: int, seed: int) -> pd.DataFrame:
    """Return the measured molecules of a split in their order, or as many of them as are used."""
    rows = measured[measured["split"] == split]
    if len(rows) <= most:
        return rows
    drawn = numpy_generator(seed, f"property head {split}").choice(len(rows), most, replace=False)
    return rows.iloc[np.sort(drawn)]


def _features(rows: pd.DataFrame) -> Features:
    smiles = rows["smiles"].tolist()
    return CountGaussianProcess.describe([Chem.MolFromSmiles(text) for text in smiles], smiles, None)


def _metrics(name: str, unit: str, split: str, head: Errors, baseline: Errors) -> dict[str, Metric]:
    warning = None
    if head.r2 < baseline.r2:
        warning = f"a model without codes does better, R2 {baseline.r2:.2f}: do not search by this head"
        logger.warning(
            "property head, %s of %d %s molecules: R2 %.2f, against %.2f of a Gaussian process on substructure counts; "
            "use a learned term (`learned:`) in its place",
            *(name, head.n, split, head.r2, baseline.r2),
        )
    what = f"of the property head's {name} of {split} molecules"
    r2, rmse = f"R2 {what}", f"Root mean squared error {what}"
    return {
        f"r2_{split}": Metric(head.r2, head.n, f"{r2}.", better="higher", warning=warning),
        f"rmse_{split}": Metric(head.rmse, head.n, f"{rmse}.", unit, "lower"),
        f"baseline_r2_{split}": Metric(baseline.r2, baseline.n, f"{r2}, predicted by a {BASELINE}.", better="higher"),
        f"baseline_rmse_{split}": Metric(
            baseline.rmse, baseline.n, f"{rmse}, predicted by a {BASELINE}.", unit, "lower"
        ),
    }
