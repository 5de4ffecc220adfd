"""Find the best of a pool by a Gaussian process, with a bounded number of molecules in memory.

For a list of millions the exact prediction of every molecule would take hours, most of them for the features. So a long
list is read three times: once for its length and a random sample of it; once to screen it with a linear function of
ECFP4 bits that imitates the Gaussian process on the sample, in a tenth of the time; and once for the exact prediction
of the rows that are best by that function.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from scipy.linalg import cho_factor, cho_solve

from molvae.chem.fingerprints import PackedBits, pack_morgan, stack_packed
from molvae.chem.molecules import is_ordinary, parse
from molvae.chem.quiet import quiet
from molvae.chem.reading import Record, with_structure
from molvae.chem.standardise import is_plain, standardise
from molvae.log import logger, progress
from molvae.optimize.objective import Objective
from molvae.parallel import map_tasks, processes_for, shared_processes, use_one_thread
from molvae.propose.candidates import Candidates, joined
from molvae.propose.gaussian_process import MeanFunction
from molvae.propose.kernels import plate_features
from molvae.propose.pool import BLOCK, Block, Pool
from molvae.propose.rows import N_BITS, Unusable, read_rows, satisfies
from molvae.seeding import numpy_generator

MAX_EXACT = 100_000
"""Rows that are predicted exactly."""
MAX_LISTED = 10_000
"""Rows without a molecule that are listed; more are only counted."""
_SAMPLE = 20_000
# Penalty of the squared coefficients of the screening function, whose bits are 0 and 1.
_RIDGE = 10.0
# Candidates are reduced to the best when there are so many times more.
_EXCESS = 4


@dataclass(frozen=True)
class Rater:
    """What is done to the rows of a block in a worker process.

    Attributes:
        mean: Predicts the molecules; None to predict nothing.
        objective: Its constraints must be satisfied.
        n: Most molecules to return.
        without: Standard forms of molecules to leave out.
        seed: Where nothing is predicted, the seed of random values.
    """

    mean: MeanFunction | None
    objective: Objective | None
    n: int
    without: Collection[str] = ()
    seed: int = 1

    def __call__(self, block: Block) -> tuple[Candidates, list[Unusable]]:
        """Return the best molecules of a block, and the rows that are not molecules."""
        use_one_thread()
        molecules = read_rows(block.records)
        rows = np.flatnonzero(satisfies(self.objective, molecules.standard))
        mols = [molecules.mols[row] for row in rows.tolist()]
        features = {} if self.mean is None else plate_features(mols)
        candidates = Candidates(
            [molecules.smiles[row] for row in rows.tolist()],
            [molecules.standard[row] for row in rows.tolist()],
            stack_packed([pack_morgan(mol, N_BITS) for mol in mols], N_BITS),
            features,
            self._drawn(block)[molecules.at[rows]] if self.mean is None else self.mean(features),
            [block.records[molecules.at[row]] for row in rows.tolist()],
        )
        return candidates.best(self.n, self.without), molecules.unusable

    def _drawn(self, block: Block) -> NDArray[np.float64]:
        """Return a random value for each row of a block, the same whichever process rates it."""
        first = block.rows[0] if len(block.rows) else 0
        return numpy_generator(self.seed, f"propose draw {first}").random(len(block.records))


@dataclass(frozen=True)
class Ranked:
    """The best of a pool.

    Attributes:
        candidates: The best molecules, the best first.
        n_rows: Rows of the pool.
        n_read: Rows of it whose molecules were read.
        n_unusable: Rows of those that are not molecules.
        unusable: The first of them.
    """

    candidates: Candidates
    n_rows: int
    n_read: int
    n_unusable: int
    unusable: list[Unusable]


class _Unusables:
    """Counts the rows that are not molecules, and lists the first ones."""

    def __init__(self) -> None:
        self.n = 0
        self.first: list[Unusable] = []

    def add(self, unusable: Sequence[Unusable]) -> None:
        self.n += len(unusable)
        self.first += unusable[: MAX_LISTED - len(self.first)]


def rank(pool: Pool, rater: Rater, seed: int, n_jobs: int) -> Ranked:
    """Return the best molecules of a pool by their predicted means.

    Args:
        pool: The pool.
        rater: What the molecules are ranked by, how many to return, and without which.
        seed: The run's seed.
        n_jobs: Processes for large pools.
    """
    n_rows, sample = pool.sample(_SAMPLE, numpy_generator(seed, "propose sample"))
    n_jobs = processes_for(n_rows, n_jobs)
    unusables, counted, rows = _Unusables(), _Unusables(), None
    with shared_processes():
        if n_rows > MAX_EXACT:
            # Also of molecules that violate the constraints, of which there may be few others.
            any_molecule = replace(rater, objective=None, n=len(sample))
            sampled = _rated(_blocks(sample), any_molecule, counted, n_jobs)
            screen = Screen.imitating(sampled.bits, sampled.mean)
            del sampled
            rows = _screened(pool, screen, rater.objective, n_rows, unusables, n_jobs)
        exact = unusables if rows is None else counted
        candidates = _rated(pool.blocks(rows, whole=True), rater, exact, n_jobs)
    return Ranked(candidates, n_rows, n_rows, unusables.n, unusables.first)


def draw(pool: Pool, rater: Rater, seed: int, n_jobs: int) -> Ranked:
    """Return molecules of a pool at random, for where nothing is predicted; the arguments are those of `rank`.

    A random part of a large pool will do, unless too few of it satisfy the constraints.
    """
    n_rows, sample = pool.sample(_SAMPLE, numpy_generator(seed, "propose sample"), whole=True)
    rater, unusables, n_read = replace(rater, seed=seed), _Unusables(), len(sample)
    with shared_processes():
        candidates = _rated(_blocks(sample), rater, unusables, processes_for(n_read, n_jobs))
        if len(candidates) < rater.n and n_read < n_rows:
            unusables, n_read = _Unusables(), n_rows
            blocks = pool.blocks(whole=True)
            candidates = _rated(blocks, rater, unusables, processes_for(n_rows, n_jobs))
    return Ranked(candidates, n_rows, n_read, unusables.n, sorted(unusables.first, key=lambda row: row.line))


def _blocks(records: Sequence[Record]) -> list[Block]:
    """Return some rows in blocks."""
    numbers = np.arange(len(records))
    return [Block(numbers[i : i + BLOCK], records[i : i + BLOCK]) for i in range(0, len(records), BLOCK)]


def _rated(blocks: Iterable[Block], rater: Rater, unusables: _Unusables, n_jobs: int) -> Candidates:
    """Return the best molecules of some blocks."""
    parts = [rater(Block(np.empty(0, np.int64), []))[0]]
    for _, (candidates, unusable) in map_tasks(rater, blocks, n_jobs):
        unusables.add(unusable)
        parts.append(candidates)
        if sum(map(len, parts)) > _EXCESS * rater.n:
            parts = [joined(parts).best(rater.n)]
    return joined(parts).best(rater.n)


@dataclass(frozen=True)
class Screen:
    """A linear function of ECFP4 bits.

    Attributes:
        coefficients: One for each of the 2,048 bits, float32.
    """

    coefficients: NDArray[np.float32]

    @staticmethod
    def imitating(bits: PackedBits, values: NDArray[np.float64]) -> "Screen":
        """Fit it to values of N molecules by ridge regression, a tenth of them held out to say how well.

        Args:
            bits: Packed ECFP4 fingerprints (2,048 bits), uint8 (N, 256).
            values: The values, float64 (N,).
        """
        x = np.unpackbits(bits, axis=1, bitorder="little").astype(np.float32)
        held_out = np.arange(len(x)) % 10 == 0
        centre = values[~held_out].mean()
        x_fit = x[~held_out]
        gram = x_fit.T @ x_fit
        gram[np.diag_indices_from(gram)] += _RIDGE
        solved = cho_solve(cho_factor(gram), x_fit.T @ (values[~held_out] - centre).astype(np.float32))
        correlation = np.corrcoef(x[held_out] @ solved, values[held_out])[0, 1]
        logger.info("screening by a linear function of ECFP4 bits, correlation with the predictions %.2f", correlation)
        return Screen(solved.astype(np.float32))

    def __call__(self, bits: PackedBits) -> NDArray[np.float32]:
        """Return its values for N molecules, float32 (N,), up to a constant."""
        return np.unpackbits(bits, axis=1, bitorder="little").astype(np.float32) @ self.coefficients


def _screened(
    pool: Pool, screen: Screen, objective: Objective | None, n_rows: int, unusables: _Unusables, n_jobs: int
) -> NDArray[np.int64]:
    """Return the rows that are best by a screening function, in order."""
    values = np.full(n_rows, -np.inf, dtype=np.float32)
    with progress("screen", n_rows) as advance:
        for block, (of_block, unusable) in map_tasks(
            partial(_screen_block, screen=screen, objective=objective), pool.blocks(), n_jobs
        ):
            values[block.rows] = of_block
            unusables.add(unusable)
            advance(len(block.rows))
    best = np.argpartition(-values, MAX_EXACT)[:MAX_EXACT]
    return np.sort(best[np.isfinite(values[best])])


def _screen_block(
    block: Block, screen: Screen, objective: Objective | None
) -> tuple[NDArray[np.float32], list[Unusable]]:
    """Return the values of the rows of a block, minus infinity for what cannot be chosen."""
    values = np.full(len(block.records), -np.inf, dtype=np.float32)
    at, smiles, bits, others = [], [], [], []
    with quiet():
        for position, record in enumerate(map(with_structure, block.records)):
            standard = _standard(record.smiles)
            if standard is None:
                others.append(record)
            else:
                at.append(position)
                smiles.append(standard[0])
                bits.append(pack_morgan(standard[1], N_BITS))
    values[at] = np.where(satisfies(objective, smiles), screen(stack_packed(bits, N_BITS)), -np.inf)
    return values, read_rows(others).unusable


def _standard(smiles: str) -> tuple[str, Chem.Mol] | None:
    """Return a SMILES of a molecule's standard form, and the form, or None; the costly part only where it is needed."""
    if not smiles or not is_ordinary(smiles):
        return None
    if is_plain(smiles):
        mol = parse(smiles)
        return None if mol is None else (smiles, mol)
    form = standardise(smiles)
    return None if form is None else (form.smiles, form.mol)
