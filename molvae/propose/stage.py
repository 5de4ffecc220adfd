"""Choose the next plate: molecules to make or buy, and to measure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from rdkit import Chem

from molvae.chem.fingerprints import morgan_bits, nearest
from molvae.chem.quiet import quiet
from molvae.chem.alerts import structural_alerts
from molvae.errors import DataError
from molvae.learned import Measurements
from molvae.learned.intervals import conformal_factor
from molvae.log import logger
from molvae.model.model import MolVAE
from molvae.optimize.objective import Objective
from molvae.propose.candidates import Candidates
from molvae.propose.gaussian_process import GaussianProcess
from molvae.propose.invented import Inventor
from molvae.propose.kernels import plate_features
from molvae.propose.plate import MAX_SIMILARITY, Choice, choose, choose_diverse
from molvae.propose.pool import Pool
from molvae.propose.ranking import Ranked, Rater, rank
from molvae.propose.rows import N_BITS, Unusable

COVERAGE = 0.8
"""Fraction of measured values that an interval is to cover."""
MIN_TO_LEARN = 10
"""Measured molecules from which on values are predicted; with fewer, a plate is only diverse."""
_N_CANDIDATES, _CANDIDATES_PER_WELL = 2_000, 20
_FIRST_ALERTS = ("PAINS", "BRENK")
_MAX_WARNINGS = 5


@dataclass(frozen=True)
class Wanted:
    """What plate is wanted.

    Attributes:
        n: Number of molecules.
        minimise: Whether lower values are better.
        objective: Its constraints are satisfied by every molecule.
        seed: The run's seed.
    """

    n: int
    minimise: bool = False
    objective: Objective | None = None
    seed: int = 1

    @property
    def sign(self) -> float:
        """What measured values are multiplied with, so that larger ones are better."""
        return -1.0 if self.minimise else 1.0


@dataclass(frozen=True)
class Proposed:
    """A plate.

    Attributes:
        table: Its molecules, columns as in `molvae.tables.PLATE`, and those of the pool.
        unusable: The first rows of the pool that are not molecules.
    """

    table: pd.DataFrame
    unusable: list[Unusable]


def propose_from_pool(pool: Pool, measured: Measurements, wanted: Wanted, n_jobs: int = 1) -> Proposed:
    """Choose a plate from a list.

    Args:
        pool: The list.
        measured: What is measured; may be empty.
        wanted: What is wanted.
        n_jobs: Processes for large pools.

    Raises:
        DataError: If the pool has fewer molecules than are wanted.
    """
    process = _process(measured, wanted)
    rater = Rater(None if process is None else process.mean, wanted.objective, _n_candidates(wanted.n, measured))
    ranked = rank(pool, rater, set(measured.smiles), wanted.seed, n_jobs)
    _log_pool(pool, ranked)
    candidates = ranked.candidates if process is not None else _plausible(ranked.candidates, wanted.n)
    if len(candidates) < wanted.n:
        constrained = " that satisfy the constraints" if wanted.objective is not None else ""
        raise DataError(
            f"{pool.path}: expected at least {wanted.n} molecules to choose from, found {len(candidates)}{constrained} "
            f"in {ranked.n_rows} rows, those left out that are measured, occur twice or are not molecules; ask for fewer"
        )
    return Proposed(_plate(candidates, process, measured, wanted, pool.names), ranked.unusable)


def propose_invented(model: MolVAE, measured: Measurements, wanted: Wanted) -> Proposed:
    """Choose a plate from what a model invents.

    Args:
        model: A trained model.
        measured: What is measured; may be empty.
        wanted: What is wanted.

    Raises:
        DataError: If it invents fewer molecules than are wanted.
    """
    process = _process(measured, wanted)
    rater = Rater(None if process is None else process.mean, wanted.objective, _n_candidates(wanted.n, measured))
    order = np.argsort(-wanted.sign * measured.values, kind="stable")
    inventor = Inventor(model, [measured.smiles[row] for row in order.tolist()], rater, wanted.seed)
    candidates = inventor.samples() if process is None else inventor.bred(process)
    if len(candidates) < wanted.n:
        raise DataError(
            f"expected {wanted.n} new molecules that are plausible and satisfy the constraints, found "
            f"{len(candidates)}; ask for fewer, or loosen the constraints"
        )
    return Proposed(_plate(candidates, process, measured, wanted, ()), [])


def _n_candidates(n: int, measured: Measurements) -> int:
    """Return from how many of the best a plate is chosen; measured ones are still among them."""
    return max(_N_CANDIDATES, _CANDIDATES_PER_WELL * n) + len(measured)


def _process(measured: Measurements, wanted: Wanted) -> GaussianProcess | None:
    """Return what predicts values, or None if too little is measured."""
    if len(measured) < MIN_TO_LEARN or np.ptp(measured.values) == 0.0:
        if len(measured):
            logger.warning(
                "%s: %d molecules with different values are needed to predict it, found %d%s; the plate explores",
                *(measured.column, MIN_TO_LEARN, len(measured), "" if np.ptp(measured.values) else ", all values equal"),
            )
        return None
    with quiet():
        features = plate_features([Chem.MolFromSmiles(smiles) for smiles in measured.smiles])
    process = GaussianProcess(features, wanted.sign * measured.values, wanted.seed)
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in process.weights.items())
    logger.info(
        "%s: learned from %d molecules; weights of the kernels: %s; noise %.2f",
        *(measured.column, len(measured), weights, process.noise),
    )
    return process


def _plausible(candidates: Candidates, n: int) -> Candidates:
    """Return the candidates without structural alerts, or all if these are fewer than n."""
    with quiet():
        alerts = structural_alerts([Chem.MolFromSmiles(smiles) for smiles in candidates.standard], _FIRST_ALERTS)
    rows = [row for row, names in enumerate(alerts) if not names]
    return candidates.take(rows) if len(rows) >= n else candidates


def _plate(
    candidates: Candidates,
    process: GaussianProcess | None,
    measured: Measurements,
    wanted: Wanted,
    names: Sequence[str],
) -> pd.DataFrame:
    """Choose from the candidates, and say of each molecule why."""
    measured_bits = morgan_bits(measured.smiles, N_BITS)
    mean = deviation = np.full(len(candidates), np.nan)
    if process is None:
        choices = choose_diverse(candidates.bits, measured_bits, wanted.n)
    else:
        mean, deviation = process.predict(candidates.features)
        choices = choose(candidates.bits, mean, deviation, wanted.n)
    _log_choices(choices)
    rows = [choice.row for choice in choices]
    factor = math.nan if process is None else conformal_factor(process.scaled_errors(), COVERAGE)
    chosen = candidates.take(rows)
    center, half = wanted.sign * mean[rows], factor * deviation[rows]
    table = pd.DataFrame(
        {"smiles": chosen.smiles, "predicted": center, "low": center - half, "high": center + half},
    )
    similarity, index = nearest(chosen.bits, measured_bits) if len(measured) else (np.zeros(len(rows)), None)
    table["nearest"] = "" if index is None else [measured.smiles[row] for row in index.tolist()]
    table["nearest_value"] = np.nan if index is None else measured.values[index]
    decimals = _decimals(measured)
    table["why"] = [
        _why(row, choice, float(close), decimals)
        for row, choice, close in zip(table.itertuples(), choices, similarity, strict=True)
    ]
    taken = {name: f"pool.{name}" if name in table else name for name in names}
    if chosen.records:
        for position, name in enumerate(taken.values()):
            table[name] = [record.extra[position] for record in chosen.records]
        if not names:
            table["id"] = [record.id for record in chosen.records]
    return table


def _decimals(measured: Measurements) -> int:
    """Return how many decimals show differences of a tenth of the values' standard deviation."""
    spread = float(measured.values.std()) if len(measured) else 0.0
    return max(0, -math.floor(math.log10(spread / 10.0))) if spread > 0.0 else 1


def _why(row: Any, choice: Choice, similarity: float, decimals: int) -> str:
    """Say why a molecule is on the plate."""
    parts = ["explore" if choice.explores else "exploit"]
    if not math.isnan(row.predicted):
        low, high = f"{row.low:.{decimals}f}", f"{row.high:.{decimals}f}"
        parts.append(f"predicted {row.predicted:.{decimals}f} ({low} to {high})")
    if row.nearest:
        parts.append(f"nearest measured {row.nearest_value:.{decimals}f} at similarity {similarity:.2f}")
    if math.isnan(row.predicted):
        parts.append("chosen to be unlike the others")
    if choice.is_twin:
        parts.append("close analogue of another one on the plate")
    return f"{parts[0]}: {', '.join(parts[1:])}"


def _log_pool(pool: Pool, ranked: Ranked) -> None:
    logger.info("%s: %d rows, %d of them are not molecules", pool.path, ranked.n_rows, ranked.n_unusable)
    for row in ranked.unusable[:_MAX_WARNINGS]:
        logger.warning("%s: line %d is not a molecule: %r, %s", pool.path, row.line, row.input, row.reason)


def _log_choices(choices: Sequence[Choice]) -> None:
    n_twins = sum(choice.is_twin for choice in choices)
    if n_twins:
        logger.warning(
            "%d of %d molecules are close analogues of others on the plate (similarity above %.1f), because there is "
            "nothing else left to choose from",
            *(n_twins, len(choices), MAX_SIMILARITY),
        )
