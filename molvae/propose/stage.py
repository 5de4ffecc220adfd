"""Choose the next plate: molecules to make or buy, and to measure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from molvae.chem.alerts import structural_alerts
from molvae.chem.fingerprints import morgan_bits, nearest
from molvae.chem.quiet import quiet
from molvae.errors import DataError
from molvae.learned import Measurements
from molvae.learned.intervals import conformal_factor
from molvae.learned.measurements import MIN_MOLECULES
from molvae.log import logger
from molvae.model.model import MolVAE
from molvae.optimize.objective import Objective
from molvae.propose.candidates import Candidates
from molvae.propose.gaussian_process import GaussianProcess
from molvae.propose.invented import ALERTS, Inventor
from molvae.propose.kernels import plate_features
from molvae.propose.plate import MAX_SIMILARITY, Choice, choose, choose_diverse
from molvae.propose.pool import Pool
from molvae.propose.ranking import Ranked, Rater, draw, rank
from molvae.propose.rows import N_BITS, Unusable
from molvae.propose.table import Evidence, Proposed, plate_table

COVERAGE = 0.8
"""Fraction of measured values that an interval is to cover."""
_N_CANDIDATES, _CANDIDATES_PER_WELL = 2_000, 20
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


def n_candidates(n: int) -> int:
    """Return from how many of the best candidates n molecules are chosen."""
    return max(_N_CANDIDATES, _CANDIDATES_PER_WELL * n)


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
    rater = _rater(process, measured, wanted)
    ranked = (draw if process is None else rank)(pool, rater, wanted.seed, n_jobs)
    _log_pool(pool, ranked)
    candidates = ranked.candidates if process is not None else _plausible(ranked.candidates, wanted.n)
    if len(candidates) < wanted.n:
        constrained = " that satisfy the constraints" if wanted.objective is not None else ""
        raise DataError(
            f"{pool.path}: expected at least {wanted.n} molecules to choose from, found {len(candidates)}{constrained} "
            f"in {ranked.n_rows} rows, without those that are measured, repeated or no molecules; ask for fewer"
        )
    return _proposed(candidates, process, measured, wanted, pool, ranked.unusable)


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
    order = np.argsort(-wanted.sign * measured.values, kind="stable")
    best_first = [measured.smiles[row] for row in order.tolist()]
    inventor = Inventor(model, best_first, _rater(process, measured, wanted), wanted.seed)
    candidates = inventor.samples() if process is None else inventor.bred(process)
    if len(candidates) < wanted.n:
        raise DataError(
            f"expected {wanted.n} new molecules that are plausible and satisfy the constraints, found "
            f"{len(candidates)}; ask for fewer, or loosen the constraints"
        )
    return _proposed(candidates, process, measured, wanted)


def _rater(process: GaussianProcess | None, measured: Measurements, wanted: Wanted) -> Rater:
    mean = None if process is None else process.mean
    return Rater(mean, wanted.objective, n_candidates(wanted.n), frozenset(measured.tested))


def _process(measured: Measurements, wanted: Wanted) -> GaussianProcess | None:
    """Return what predicts values, or None if too little is measured."""
    if len(measured) < MIN_MOLECULES:
        if measured.tested:
            logger.warning(
                "%s: expected at least %d molecules with a value to learn from, found %d; the plate explores",
                *(measured.column, MIN_MOLECULES, len(measured)),
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
    """Return the candidates without structural alerts; if these are fewer than n, some others with them."""
    with quiet():
        alerts = structural_alerts([Chem.MolFromSmiles(smiles) for smiles in candidates.standard], ALERTS)
    rows = [row for row, names in enumerate(alerts) if not names]
    others = [row for row, names in enumerate(alerts) if names][: max(n - len(rows), 0)]
    if others:
        logger.warning(
            "expected at least %d molecules without structural alerts (%s), found %d; %d of the plate have some",
            *(n, ", ".join(ALERTS), len(rows), len(others)),
        )
    return candidates.take([*rows, *others])


def _proposed(
    candidates: Candidates,
    process: GaussianProcess | None,
    measured: Measurements,
    wanted: Wanted,
    pool: Pool | None = None,
    unusable: Sequence[Unusable] = (),
) -> Proposed:
    """Choose from the candidates, and say of each molecule why."""
    measured_bits = morgan_bits(measured.smiles, N_BITS)
    mean = deviation = np.full(len(candidates), np.nan)
    if process is None:
        choices = choose_diverse(candidates.bits, morgan_bits(measured.tested, N_BITS), wanted.n)
    else:
        mean, deviation = process.predict(candidates.features)
        choices = choose(candidates.bits, mean, deviation, wanted.n)
    _log_choices(choices)
    rows = [choice.row for choice in choices]
    chosen = candidates.take(rows)
    predicted = wanted.sign * mean[rows]
    half = deviation[rows] * (math.nan if process is None else conformal_factor(process.scaled_errors(), COVERAGE))
    similarity, index = np.zeros(len(rows), np.float32), np.full(len(rows), -1)
    if len(measured):
        similarity, index = nearest(chosen.bits, measured_bits)
    evidence = Evidence(
        predicted=predicted,
        low=predicted - half,
        high=predicted + half,
        nearest=["" if row < 0 else measured.smiles[row] for row in index.tolist()],
        nearest_value=np.array([math.nan if row < 0 else measured.values[row] for row in index.tolist()]),
        similarity=similarity.astype(np.float64),
        spread=float(measured.values.std()) if len(measured) else 0.0,
    )
    return Proposed(plate_table(chosen, choices, evidence, pool), list(unusable))


def _log_pool(pool: Pool, ranked: Ranked) -> None:
    of = "them" if ranked.n_read == ranked.n_rows else f"the {ranked.n_read} that were read at random"
    logger.info("%s: %d rows, %d of %s are not molecules", pool.path, ranked.n_rows, ranked.n_unusable, of)
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
