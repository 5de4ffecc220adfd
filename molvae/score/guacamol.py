"""The distribution-learning metrics of the GuacaMol benchmark.

Definitions, denominators and order of operations are those of the package `guacamol` 0.5.5. It asks a model for
molecules until it has enough; here the model is a list that gives its strings in order, to each metric from the start.

References:
    Brown, Fiscato, Segler and Vaucher, GuacaMol: benchmarking models for de novo molecular design, Journal of Chemical
    Information and Modeling 2019, doi:10.1021/acs.jcim.8b00839.
"""

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from scipy.stats import entropy, gaussian_kde

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.fcd import Moments, frechet_distance, moments
from molvae.chem.fingerprints import PackedBits, nearest_within, pack_morgan, stack_packed
from molvae.chem.molecules import without_stereo
from molvae.metrics.metric import Metric

# How many molecules the benchmark compares.
SAMPLE_SIZE = 10_000
# How many times as many strings it asks a model for in order to get them.
TRIES_FOR_VALID = 10
TRIES_FOR_DISTINCT = 2
REFERENCE_SEED = 42
FINGERPRINT_BITS = 4096

CONTINUOUS = ("bertz", "logp", "mol_weight", "tpsa")
COUNTS = ("hba", "hbd", "rotatable_bonds", "aliphatic_rings", "aromatic_rings")
DESCRIPTORS = CONTINUOUS + COUNTS
COMPARED = (*DESCRIPTORS, "internal_similarity")
GRID_POINTS = 1000
BINS = 10
# Keeps the logarithms finite where a density is 0.
_FLOOR = 1e-10


@dataclass(frozen=True)
class FlatMolecules:
    """Molecules without stereochemistry and isotopes, with an entry for each of N.

    Attributes:
        smiles: Canonical SMILES.
        descriptors: Values by the names in `DESCRIPTORS`, float64 (N,) each; NaN where there is none.
        fingerprints: Packed Morgan fingerprints of radius 2 and 4096 bits, uint8 (N, 512).
    """

    smiles: list[str]
    descriptors: dict[str, NDArray[np.float64]]
    fingerprints: PackedBits

    def take(self, rows: NDArray[np.int64]) -> "FlatMolecules":
        """Return the molecules in some rows, in their order."""
        return FlatMolecules(
            [self.smiles[row] for row in rows],
            {name: values[rows] for name, values in self.descriptors.items()},
            self.fingerprints[rows],
        )


@dataclass(frozen=True)
class Samples:
    """Generated molecules. All but `is_valid` have an entry for each of the N valid ones, in order.

    Attributes:
        is_valid: Which of the strings given are molecules, bool.
        smiles: Canonical SMILES with stereochemistry.
        plain: The molecules without.
        activations: ChemNet activations of the canonical SMILES, float32 (N, 512).
    """

    is_valid: NDArray[np.bool_]
    smiles: list[str]
    plain: FlatMolecules
    activations: NDArray[np.float32]


@dataclass(frozen=True)
class Training:
    """What the metrics need of the training molecules; the last two of those in `reference_rows` alone.

    Attributes:
        smiles: Canonical SMILES without stereochemistry of all of them.
        distributions: From `distributions`.
        moments: Of the ChemNet activations of the canonical SMILES with stereochemistry; None for fewer than 2.
    """

    smiles: AbstractSet[str]
    distributions: Mapping[str, NDArray[np.float64]]
    moments: Moments | None


def describe_plain(
    mols: Sequence[Chem.Mol], smiles: Sequence[str], properties: Mapping[str, NDArray[np.float64]]
) -> FlatMolecules:
    """Leave out the stereochemistry of molecules and describe them as the metrics need it.

    Args:
        mols: N molecules.
        smiles: Their canonical SMILES.
        properties: Their `DESCRIPTORS` as they are, float64 (N,) each; taken over where there is no stereochemistry.
    """
    plain = [without_stereo(mol, text) for mol, text in zip(mols, smiles, strict=True)]
    descriptors = {name: properties[name].copy() for name in DESCRIPTORS}
    for row, (mol, (_, flat)) in enumerate(zip(mols, plain, strict=True)):
        if flat is not mol:
            for name in DESCRIPTORS:
                descriptors[name][row] = PROPERTIES[name].compute(flat)
    fingerprints = stack_packed([pack_morgan(flat, FINGERPRINT_BITS) for _, flat in plain], FINGERPRINT_BITS)
    return FlatMolecules([text for text, _ in plain], descriptors, fingerprints)


def reference_rows(n_training: int) -> NDArray[np.int64]:
    """Return which training molecules the samples are compared with: the rows that the package draws.

    Args:
        n_training: Number of training molecules, as they are listed.

    Returns:
        `SAMPLE_SIZE` rows in the order of the draw, int64; all of them if there are no more.
    """
    if n_training <= SAMPLE_SIZE:
        return np.arange(n_training)
    return np.random.RandomState(REFERENCE_SEED).choice(n_training, SAMPLE_SIZE, replace=False)


def distributions(molecules: FlatMolecules) -> dict[str, NDArray[np.float64]]:
    """Return the ten quantities whose distributions are compared, of the D distinct molecules.

    Returns:
        The descriptors, with 0 where one is not finite, and `internal_similarity`, the Tanimoto similarity of each
        molecule to the nearest of the others; float64 (D,) each.
    """
    distinct = molecules.take(np.flatnonzero(_first_occurrences(molecules.smiles)))
    values = {name: np.where(np.isfinite(given), given, 0.0) for name, given in distinct.descriptors.items()}
    values["internal_similarity"] = nearest_within(distinct.fingerprints).astype(np.float64)
    return values


def kl_divergences(
    generated: Mapping[str, NDArray[np.float64]], reference: Mapping[str, NDArray[np.float64]]
) -> dict[str, float]:
    """Return the Kullback-Leibler divergence of the generated from the reference distribution of each quantity.

    Args:
        generated: From `distributions`.
        reference: From `distributions`.

    Returns:
        The divergences in nats, by the names of the quantities: at least 0, and NaN where a density cannot be
        estimated, such as one of a single value.
    """
    return {
        name: (_divergence_of_counts if name in COUNTS else _divergence_of_densities)(reference[name], generated[name])
        for name in COMPARED
    }


def _divergence_of_densities(reference: NDArray[np.float64], generated: NDArray[np.float64]) -> float:
    both = np.concatenate([reference, generated])
    try:
        expected, found = gaussian_kde(reference), gaussian_kde(generated)
    # Fewer than two values, or all of them equal.
    except ValueError:
        return math.nan
    grid = np.linspace(both.min(), both.max(), GRID_POINTS)
    return float(entropy(expected(grid) + _FLOOR, found(grid) + _FLOOR))


def _divergence_of_counts(reference: NDArray[np.float64], generated: NDArray[np.float64]) -> float:
    if not len(reference) or not len(generated):
        return math.nan
    # Counts beyond those of the reference are in no bin.
    expected, edges = np.histogram(reference, bins=BINS, density=True)
    with np.errstate(invalid="ignore"):
        found, _ = np.histogram(generated, bins=edges, density=True)
    return float(entropy(expected + _FLOOR, found + _FLOOR))


def kl_score(divergences: Mapping[str, float]) -> float:
    """Return the mean of exp(-divergence), from 0 to 1 (best); NaN if one of them is."""
    return sum(math.exp(-each) for each in divergences.values()) / len(divergences)


def fcd_score(distance: float) -> float:
    """Return exp(-0.2 distance) of a Frechet ChemNet distance, from 0 to 1 (best)."""
    return math.exp(-0.2 * distance)


@dataclass(frozen=True)
class Subsample:
    """What a metric takes of the samples.

    Attributes:
        rows: Places among the valid molecules, int64.
        wanted: How many molecules it counts on: `SAMPLE_SIZE`, or all that were found if the samples came to an end.
    """

    rows: NDArray[np.int64]
    wanted: int


def draw_valid(samples: Samples) -> Subsample:
    """Take the first valid molecules."""
    return _draw(samples, np.ones(len(samples.smiles), dtype=np.bool_), TRIES_FOR_VALID)


def draw_distinct(samples: Samples) -> Subsample:
    """Take the first molecules that are distinct; by the package's rule, mirror images are."""
    return _draw(samples, _first_occurrences(samples.smiles), TRIES_FOR_DISTINCT)


def _draw(samples: Samples, counts: NDArray[np.bool_], tries: int) -> Subsample:
    """Take molecules that count, asking each time for as many strings as are missing."""
    counting = np.zeros(len(samples.is_valid), dtype=np.bool_)
    counting[samples.is_valid] = counts
    asked = found = 0
    while found < SAMPLE_SIZE and asked < tries * SAMPLE_SIZE:
        missing = SAMPLE_SIZE - found
        found += int(np.count_nonzero(counting[asked : asked + missing]))
        asked += missing
    among_valid = np.cumsum(samples.is_valid) - 1
    came_to_an_end = asked > len(counting)
    return Subsample(among_valid[np.flatnonzero(counting[:asked])], found if came_to_an_end else SAMPLE_SIZE)


def _first_occurrences(smiles: Sequence[str]) -> NDArray[np.bool_]:
    first: dict[str, int] = {}
    return np.array([first.setdefault(text, row) == row for row, text in enumerate(smiles)], dtype=np.bool_)


def guacamol_metrics(samples: Samples, training: Training) -> dict[str, Metric]:
    """Return the five metrics of the benchmark by their names in the paper.

    Where the samples come to an end before there are as many molecules as the definition asks for, the shares are of
    those that there are, with a warning.
    """
    valid, distinct = draw_valid(samples), draw_distinct(samples)
    unique = {samples.plain.smiles[row] for row in valid.rows}
    plain = samples.plain.take(distinct.rows)
    novel = set(plain.smiles).difference(training.smiles)
    first = samples.is_valid[:SAMPLE_SIZE]
    return {
        "validity": Metric(
            _share(int(np.count_nonzero(first)), len(first)),
            len(first),
            f"Share of molecules among the first {SAMPLE_SIZE} samples.",
            warning=_too_few(len(first), "samples"),
        ),
        "uniqueness": Metric(
            _share(len(unique), valid.wanted),
            valid.wanted,
            f"Share of distinct molecules, stereochemistry apart, among the first {SAMPLE_SIZE} valid samples.",
            warning=_too_few(len(valid.rows), "valid samples"),
        ),
        "novelty": Metric(
            _share(len(novel), distinct.wanted),
            distinct.wanted,
            f"Share of the first {SAMPLE_SIZE} distinct molecules that are not training molecules, stereochemistry "
            "apart.",
            len(training.smiles),
            _too_few(len(distinct.rows), "distinct molecules"),
        ),
        "kl_divergence": _kl_metric(plain, training),
        "fcd": _fcd_metric(samples, valid, training),
    }


def _kl_metric(distinct: FlatMolecules, training: Training) -> Metric:
    generated = distributions(distinct)
    divergences = kl_divergences(generated, training.distributions)
    unknown = [name for name, divergence in divergences.items() if math.isnan(divergence)]
    return Metric(
        kl_score(divergences),
        len(generated["internal_similarity"]),
        "Mean of exp(-KL divergence) of the distributions of ten quantities in the first "
        f"{SAMPLE_SIZE} distinct molecules from those in training molecules; 1 is best.",
        len(training.distributions["internal_similarity"]),
        _too_few(len(distinct.smiles), "distinct molecules")
        or _too_few(len(training.distributions["internal_similarity"]), "distinct training molecules")
        or (f"there is no density to compare of {', '.join(unknown)}" if unknown else None),
    )


def _fcd_metric(samples: Samples, valid: Subsample, training: Training) -> Metric:
    n, reference = len(valid.rows), training.moments
    n_reference = 0 if reference is None else reference.n
    measured = moments([samples.activations[valid.rows]]) if n >= 2 else None
    return Metric(
        math.nan if measured is None or reference is None else fcd_score(frechet_distance(measured, reference)),
        n,
        f"exp(-0.2 FCD) of the first {SAMPLE_SIZE} valid samples to training molecules; 1 is best.",
        n_reference,
        _too_few(n, "valid samples") or _too_few(n_reference, "training molecules"),
    )


def _share(n: int, of: int) -> float:
    return n / of if of else math.nan


def _too_few(n: int, what: str) -> str | None:
    return None if n >= SAMPLE_SIZE else f"{n} {what} are fewer than the {SAMPLE_SIZE} that GuacaMol asks for"
