"""The metrics of the MOSES benchmark, with confidence intervals.

References:
    Polykovskiy et al., Molecular Sets (MOSES): a benchmarking platform for molecular generation models, Frontiers in
    Pharmacology 2020, doi:10.3389/fphar.2020.565644.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molvae.chem.fcd import Moments, frechet_distance, moments
from molvae.chem.fingerprints import nearest
from molvae.chem.timeout import TIME_LIMIT_S
from molvae.metrics import intervals
from molvae.metrics.comparison import cosine_similarity, distribution_distance, internal_diversity, mean_powers
from molvae.metrics.definitions import COMPARED_PROPERTIES, UNIQUE_AT
from molvae.metrics.metric import Metric
from molvae.metrics.reference import MAIN_PROPERTIES, ReferenceStatistics
from molvae.metrics.registry import measured
from molvae.metrics.sets import fraction, novel_fraction, unique_fraction
from molvae.score.describe import Descriptions, Generated
from molvae.seeding import derive_seed

MIN_FOR_FCD = 30_000
"""Samples of MOSES; an FCD of fewer is higher."""
_UNIT_BOUNDS = (0.0, 1.0)
_DISTANCE_BOUNDS = (0.0, math.inf)


@dataclass(frozen=True)
class Compared:
    """Generated molecules and what they are compared with.

    Attributes:
        generated: The generated molecules.
        train: Training molecules as given, with which MOSES's novelty compares.
        canonical_train: Canonical SMILES of the training molecules.
        tests: Statistics of the test sets by MOSES's names, `Test` and, where there is one, `TestSF`.
        seed: Seed of the bootstrap resampling.
    """

    generated: Generated
    train: Sequence[str]
    canonical_train: Sequence[str]
    tests: dict[str, ReferenceStatistics]
    seed: int

    @property
    def molecules(self) -> Descriptions:
        """The valid generated molecules."""
        return self.generated.molecules

    @cached_property
    def distinct(self) -> set[str]:
        """Canonical SMILES of the distinct valid molecules."""
        return set(self.molecules.smiles)

    @cached_property
    def known(self) -> set[str]:
        """Canonical SMILES of the distinct training molecules."""
        return set(self.canonical_train)

    def seed_for(self, name: str) -> int:
        """Return the seed of the resampling for a metric."""
        return derive_seed(self.seed, f"bootstrap {name}")


def moses_metrics(compared: Compared) -> dict[str, Metric]:
    """Return the MOSES metrics by the names of the MOSES package, in its order."""
    molecules = compared.molecules
    metrics = _validity(compared.generated)
    generated_moments = moments([compared.generated.activations]) if len(molecules) >= 2 else None
    for test in compared.tests:
        metrics |= _likeness(compared, test, generated_moments)
    metrics |= _diversity(compared)
    for name in COMPARED_PROPERTIES:
        metrics[name] = _distance_metric(compared, name)
    metrics["Novelty"] = _novelty_by_strings(compared)
    return metrics


def novelty(compared: Compared) -> Metric:
    """Return the novelty by canonical SMILES, whatever strings the training molecules were given as."""
    value, n = novel_fraction(compared.distinct, compared.known), len(compared.distinct)
    n_reference = len(compared.canonical_train)
    return measured("novelty", value, n, n_reference=n_reference, interval=intervals.wilson_interval(value, n))


def _novelty_by_strings(compared: Compared) -> Metric:
    value, n = novel_fraction(compared.distinct, set(compared.train)), len(compared.distinct)
    by_canonical = novelty(compared).value
    differs = value != by_canonical and not math.isnan(value)
    return measured(
        "Novelty",
        value,
        n,
        n_reference=len(compared.train),
        warning=f"{by_canonical:.4g} by canonical SMILES: not all training strings are canonical" if differs else None,
        interval=intervals.wilson_interval(value, n),
    )


def unresolved_warning(generated: Generated) -> str | None:
    """Return the warning of a validity that leaves out the strings whose description did not end, if there are any."""
    n = generated.n_unresolved
    if not n:
        return None
    left_out = "1 sample is left out, whose" if n == 1 else f"{n:,} samples are left out, whose"
    return f"{left_out} description took more than {TIME_LIMIT_S:g} s, ran out of memory or crashed"


def _validity(generated: Generated) -> dict[str, Metric]:
    smiles = generated.molecules.smiles
    n_resolved = len(generated.problems) - generated.n_unresolved
    valid = fraction(len(smiles), n_resolved)
    metrics = {
        "valid": measured(
            "valid",
            valid,
            n_resolved,
            warning=unresolved_warning(generated),
            interval=intervals.wilson_interval(valid, n_resolved),
        )
    }
    for k in UNIQUE_AT:
        first, name = smiles[:k], f"unique@{k}"
        unique = unique_fraction(first)
        metrics[name] = measured(
            name,
            unique,
            len(first),
            warning=_too_few(len(first), k, name),
            interval=intervals.wilson_interval(unique, len(first)),
        )
    return metrics


def _likeness(compared: Compared, test: str, generated_moments: Moments | None) -> dict[str, Metric]:
    """Return how similar the samples are to a test set."""
    molecules, reference = compared.molecules, compared.tests[test]
    scaffolds = [(scaffold,) for scaffold in molecules.counted_scaffolds if scaffold]
    n_scaffolds = reference.scaffolds.total()
    names = {name: f"{name}/{test}" for name in ("FCD", "SNN", "Frag", "Scaf")}
    return {
        names["FCD"]: _fcd_metric(compared, names["FCD"], reference, generated_moments),
        names["SNN"]: _snn_metric(compared, names["SNN"], reference),
        names["Frag"]: _cosine_metric(
            compared, names["Frag"], molecules.fragments, reference.fragments, len(reference)
        ),
        names["Scaf"]: _cosine_metric(compared, names["Scaf"], scaffolds, reference.scaffolds, n_scaffolds),
    }


def _fcd_metric(
    compared: Compared, name: str, reference: ReferenceStatistics, generated_moments: Moments | None
) -> Metric:
    n, n_reference = len(compared.molecules), len(reference)
    value, interval = math.nan, None
    if generated_moments is not None and reference.moments is not None:
        value = frechet_distance(generated_moments, reference.moments)
        influence = intervals.frechet_influence(compared.generated.activations, generated_moments, reference.moments)
        interval = intervals.influence_interval(value, influence, compared.seed_for(name), bounds=_DISTANCE_BOUNDS)
    warning = _too_few(
        min(n, n_reference),
        MIN_FOR_FCD,
        "an FCD to compare with published ones: it falls with the size of the smaller set",
    )
    return measured(name, value, n, n_reference=n_reference, warning=warning, interval=interval)


def _snn_metric(compared: Compared, name: str, reference: ReferenceStatistics) -> Metric:
    n, n_reference = len(compared.molecules), len(reference)
    has_both = n > 0 and n_reference > 0
    similarity = (
        nearest(compared.molecules.fingerprints, reference.fingerprints)[0] if has_both else np.empty(0, np.float32)
    )
    return measured(
        name,
        float(similarity.mean(dtype=np.float64)) if has_both else math.nan,
        n,
        n_reference=n_reference,
        interval=intervals.mean_interval(similarity, compared.seed_for(name)),
    )


def _cosine_metric(
    compared: Compared, name: str, items: Sequence[Iterable[str]], reference: Counter[str], n_reference: int
) -> Metric:
    counts = [Counter(items_of_one) for items_of_one in items]
    total: Counter[str] = Counter()
    for counted in counts:
        total.update(counted)
    value, interval = cosine_similarity(total, reference), None
    if not math.isnan(value):
        influence = intervals.cosine_influence(counts, total, reference)
        interval = intervals.influence_interval(value, influence, compared.seed_for(name), bounds=_UNIT_BOUNDS)
    return measured(name, value, len(items), n_reference=n_reference, interval=interval)


def _diversity(compared: Compared) -> dict[str, Metric]:
    n, passes = len(compared.molecules), compared.molecules.passes_filters
    means, mean_squares = mean_powers(compared.molecules.fingerprints, (1, 2))
    filters = fraction(int(np.count_nonzero(passes)), n)
    return {
        "IntDiv": _diversity_metric(compared, "IntDiv", means, 1),
        "IntDiv2": _diversity_metric(compared, "IntDiv2", mean_squares, 2),
        "Filters": measured("Filters", filters, n, interval=intervals.wilson_interval(filters, n)),
    }


def _diversity_metric(compared: Compared, name: str, means: NDArray[np.float64], power: int) -> Metric:
    value, influence = internal_diversity(means, power), intervals.diversity_influence(means, power)
    interval = intervals.influence_interval(value, influence, compared.seed_for(name), bounds=_UNIT_BOUNDS)
    return measured(name, value, len(means), interval=interval)


def _distance_metric(compared: Compared, name: str) -> Metric:
    values, reference = (
        _without_nan(properties[COMPARED_PROPERTIES[name]])
        for properties in (compared.molecules.properties, compared.tests["Test"].properties)
    )
    distance, interval = distribution_distance(values, reference), None
    if not math.isnan(distance):
        influence = intervals.wasserstein_influence(values, reference)
        interval = intervals.influence_interval(distance, influence, compared.seed_for(name), bounds=_DISTANCE_BOUNDS)
    return measured(name, distance, len(values), n_reference=len(reference), interval=interval)


def _without_nan(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[~np.isnan(values)]


def _too_few(n: int, wanted: int, what: str) -> str | None:
    return None if n >= wanted else f"{n:,} molecules are fewer than the {wanted:,} for {what}"


def property_summaries(molecules: Descriptions, test: ReferenceStatistics) -> dict[str, Any]:
    """Return mean and standard deviation of the main properties of the valid samples and of the test set."""
    return {
        name: {"generated": _summary(molecules.properties[name]), "test": _summary(test.properties[name])}
        for name in MAIN_PROPERTIES
    }


def _summary(values: NDArray[np.float64]) -> dict[str, float | int | None]:
    known = _without_nan(values)
    return {
        "mean": float(known.mean()) if len(known) else None,
        "sd": float(known.std(ddof=1)) if len(known) > 1 else None,
        "n": len(known),
    }
