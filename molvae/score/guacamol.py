"""The distribution-learning metrics of the GuacaMol benchmark.

Definitions, denominators and order of operations are those of the package `guacamol` 0.5.5, which samples from a model
until it has enough molecules. Here the samples are a list, and each metric reads it in order from its beginning.

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

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.fcd import Moments, frechet_distance, moments
from molvae.chem.fingerprints import PackedBits, nearest_within, pack_morgan, stack_packed
from molvae.chem.molecules import without_stereo
from molvae.metrics.columns import take
from molvae.metrics.definitions import GUACAMOL, GUACAMOL_SAMPLES
from molvae.metrics.metric import Metric
from molvae.metrics.registry import measured
from molvae.metrics.sets import fraction

# How many times as many strings as it needs molecules the benchmark draws at most.
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
    """N molecules without stereochemistry and isotopes.

    Attributes:
        smiles: Canonical SMILES.
        descriptors: Values by the names in `DESCRIPTORS`, float64 (N,) each; NaN where there is none.
        fingerprints: Packed ECFP4 fingerprints (4,096 bits), uint8 (N, 512).
    """

    smiles: list[str]
    descriptors: dict[str, NDArray[np.float64]]
    fingerprints: PackedBits


@dataclass(frozen=True)
class Samples:
    """Generated molecules. All but `is_valid` have an entry for each of the N valid ones, in order.

    Attributes:
        is_valid: Whether each sample is a valid molecule, bool.
        smiles: Canonical SMILES with stereochemistry.
        flat: The molecules without stereochemistry.
        activations: ChemNet activations of the canonical SMILES, float32 (N, 512).
    """

    is_valid: NDArray[np.bool_]
    smiles: list[str]
    flat: FlatMolecules
    activations: NDArray[np.float32]


@dataclass(frozen=True)
class Training:
    """What the metrics compare with; the last two are those of the molecules in `reference_rows`.

    Attributes:
        smiles: Canonical SMILES without stereochemistry of all training molecules.
        distributions: From `distributions`.
        moments: Moments of the ChemNet activations of the canonical SMILES with stereochemistry; None for fewer than 2.
    """

    smiles: AbstractSet[str]
    distributions: Mapping[str, NDArray[np.float64]]
    moments: Moments | None


def flat_molecules(
    mols: Sequence[Chem.Mol], smiles: Sequence[str], properties: Mapping[str, NDArray[np.float64]]
) -> FlatMolecules:
    """Remove the stereochemistry and isotopes of molecules, and describe them as the metrics need it.

    Args:
        mols: N molecules.
        smiles: Their canonical SMILES.
        properties: `DESCRIPTORS` of the molecules as given, float64 (N,) each; used where there is nothing to remove.
    """
    flat = [without_stereo(mol, text) for mol, text in zip(mols, smiles, strict=True)]
    descriptors = {name: properties[name].copy() for name in DESCRIPTORS}
    for row, (mol, (_, flat_mol)) in enumerate(zip(mols, flat, strict=True)):
        if flat_mol is not mol:
            for name in DESCRIPTORS:
                descriptors[name][row] = PROPERTIES[name].compute(flat_mol)
    fingerprints = stack_packed([pack_morgan(flat_mol, FINGERPRINT_BITS) for _, flat_mol in flat], FINGERPRINT_BITS)
    return FlatMolecules([text for text, _ in flat], descriptors, fingerprints)


def reference_rows(n_training: int, max_rows: int | None = None) -> NDArray[np.int64]:
    """Return the rows of the training molecules that the samples are compared with: those that the package draws.

    Args:
        n_training: Number of training molecules, as they are listed.
        max_rows: Most rows to return, the first ones that are drawn.

    Returns:
        `GUACAMOL_SAMPLES` rows in the order in which they are drawn, int64 (n,); all rows if there are no more.
    """
    most = GUACAMOL_SAMPLES if max_rows is None else min(max_rows, GUACAMOL_SAMPLES)
    if n_training <= most:
        return np.arange(n_training)
    # The package's draw without replacement is the beginning of a permutation.
    return np.random.RandomState(REFERENCE_SEED).permutation(n_training)[:most]


def distributions(molecules: FlatMolecules) -> dict[str, NDArray[np.float64]]:
    """Return the ten quantities whose distributions are compared, of the D distinct molecules.

    Returns:
        The descriptors, with 0 where one is not finite, and `internal_similarity`, the Tanimoto similarity of each
        molecule to the nearest of the others; float64 (D,) each.
    """
    distinct = take(molecules, np.flatnonzero(_first_occurrences(molecules.smiles)))
    values = {name: np.where(np.isfinite(given), given, 0.0) for name, given in distinct.descriptors.items()}
    values["internal_similarity"] = nearest_within(distinct.fingerprints).astype(np.float64)
    return values


def kl_divergences(
    generated: Mapping[str, NDArray[np.float64]], reference: Mapping[str, NDArray[np.float64]]
) -> dict[str, float]:
    """Return the Kullback-Leibler divergence of the generated from the reference distribution of each quantity.

    Args:
        generated: From `distributions`, (D,) each.
        reference: Likewise.

    Returns:
        The divergences in nats, by the names of the quantities: at least 0, and NaN where a density cannot be
        estimated, such as one of a single value.
    """
    return {
        name: (_divergence_of_counts if name in COUNTS else _divergence_of_densities)(reference[name], generated[name])
        for name in COMPARED
    }


def _divergence_of_densities(reference: NDArray[np.float64], generated: NDArray[np.float64]) -> float:
    # Half a second to import, and not needed by the processes that describe molecules.
    from scipy.stats import gaussian_kde

    both = np.concatenate([reference, generated])
    try:
        density, other = gaussian_kde(reference), gaussian_kde(generated)
    # Fewer than two values, or all of them equal.
    except ValueError:
        return math.nan
    grid = np.linspace(both.min(), both.max(), GRID_POINTS)
    return _divergence(density(grid), other(grid))


def _divergence_of_counts(reference: NDArray[np.float64], generated: NDArray[np.float64]) -> float:
    if not len(reference) or not len(generated):
        return math.nan
    # Counts beyond those of the reference are in no bin.
    density, edges = np.histogram(reference, bins=BINS, density=True)
    with np.errstate(invalid="ignore"):
        other, _ = np.histogram(generated, bins=edges, density=True)
    return _divergence(density, other)


def _divergence(reference: NDArray[np.float64], generated: NDArray[np.float64]) -> float:
    from scipy.stats import entropy

    return float(entropy(reference + _FLOOR, generated + _FLOOR))


def kl_score(divergences: Mapping[str, float]) -> float:
    """Return the mean of exp(-divergence), from 0 to 1 (best); NaN if one of them is."""
    return sum(math.exp(-divergence) for divergence in divergences.values()) / len(divergences)


def fcd_score(distance: float) -> float:
    """Return exp(-0.2 distance) for a Fréchet ChemNet distance, from 0 to 1 (best)."""
    return math.exp(-0.2 * distance)


@dataclass(frozen=True)
class Subsample:
    """The molecules that a metric is computed from.

    Attributes:
        rows: Rows of the valid molecules, int64.
        n: The number to divide by: `GUACAMOL_SAMPLES`, or the size of the subsample where the samples ran out.
    """

    rows: NDArray[np.int64]
    n: int


def draw_valid(samples: Samples) -> Subsample:
    """Draw the first valid molecules."""
    return _draw(samples, np.ones(len(samples.smiles), dtype=np.bool_), TRIES_FOR_VALID)


def draw_distinct(samples: Samples) -> Subsample:
    """Draw the first distinct molecules; as in the package, stereoisomers are distinct here."""
    return _draw(samples, _first_occurrences(samples.smiles), TRIES_FOR_DISTINCT)


def _draw(samples: Samples, is_eligible: NDArray[np.bool_], tries: int) -> Subsample:
    """Draw eligible ones of the valid molecules, each time as many strings as molecules are missing."""
    eligible = np.zeros(len(samples.is_valid), dtype=np.bool_)
    eligible[samples.is_valid] = is_eligible
    n_strings = n_drawn = 0
    while n_drawn < GUACAMOL_SAMPLES and n_strings < tries * GUACAMOL_SAMPLES:
        missing = GUACAMOL_SAMPLES - n_drawn
        n_drawn += int(np.count_nonzero(eligible[n_strings : n_strings + missing]))
        n_strings += missing
    among_valid = np.cumsum(samples.is_valid) - 1
    ran_out = n_strings > len(eligible)
    return Subsample(among_valid[np.flatnonzero(eligible[:n_strings])], n_drawn if ran_out else GUACAMOL_SAMPLES)


def _first_occurrences(smiles: Sequence[str]) -> NDArray[np.bool_]:
    first: dict[str, int] = {}
    return np.array([first.setdefault(text, row) == row for row, text in enumerate(smiles)], dtype=np.bool_)


def guacamol_metrics(samples: Samples, training: Training) -> dict[str, Metric]:
    """Return the five metrics of the benchmark by their names in the paper.

    Where there are fewer samples than the definitions ask for, the metrics are computed from those that there are, and
    have a warning.
    """
    valid, distinct = draw_valid(samples), draw_distinct(samples)
    n_unique = len({samples.flat.smiles[row] for row in valid.rows})
    flat = take(samples.flat, distinct.rows)
    n_novel = len(set(flat.smiles).difference(training.smiles))
    first = samples.is_valid[:GUACAMOL_SAMPLES]
    return {
        "validity": measured(
            f"{GUACAMOL}validity",
            fraction(int(np.count_nonzero(first)), len(first)),
            len(first),
            warning=_too_few(len(first), "samples"),
        ),
        "uniqueness": measured(
            f"{GUACAMOL}uniqueness",
            fraction(n_unique, valid.n),
            valid.n,
            warning=_too_few(len(valid.rows), "valid samples"),
        ),
        "novelty": measured(
            f"{GUACAMOL}novelty",
            fraction(n_novel, distinct.n),
            distinct.n,
            n_reference=len(training.smiles),
            warning=_too_few(len(distinct.rows), "distinct molecules"),
        ),
        "kl_divergence": _kl_metric(flat, training),
        "fcd": _fcd_metric(samples, valid, training),
    }


def _kl_metric(distinct: FlatMolecules, training: Training) -> Metric:
    generated = distributions(distinct)
    divergences = kl_divergences(generated, training.distributions)
    unknown = [name for name, divergence in divergences.items() if math.isnan(divergence)]
    n_reference = len(training.distributions["internal_similarity"])
    return measured(
        f"{GUACAMOL}kl_divergence",
        kl_score(divergences),
        len(generated["internal_similarity"]),
        n_reference=n_reference,
        warning=_too_few(len(distinct.smiles), "distinct molecules")
        or _too_few(n_reference, "distinct training molecules")
        or (f"no density can be estimated for {', '.join(unknown)}" if unknown else None),
    )


def _fcd_metric(samples: Samples, valid: Subsample, training: Training) -> Metric:
    n, reference = len(valid.rows), training.moments
    n_reference = 0 if reference is None else reference.n
    generated = moments([samples.activations[valid.rows]]) if n >= 2 else None
    return measured(
        f"{GUACAMOL}fcd",
        math.nan if generated is None or reference is None else fcd_score(frechet_distance(generated, reference)),
        n,
        n_reference=n_reference,
        warning=_too_few(n, "valid samples") or _too_few(n_reference, "training molecules"),
    )


def _too_few(n: int, what: str) -> str | None:
    if n >= GUACAMOL_SAMPLES:
        return None
    return f"{n:,} {what} are fewer than the {GUACAMOL_SAMPLES:,} that GuacaMol asks for"
