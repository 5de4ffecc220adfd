"""The figures of a scored set, by the definitions of the MOSES benchmark."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.fcd import Moments, frechet_distance, moments
from molvae.chem.fingerprints import nearest
from molvae.metrics.metric import Metric
from molvae.score import intervals
from molvae.score.describe import Generated
from molvae.score.metrics import (
    cosine_similarity,
    distribution_distance,
    internal_diversity,
    mean_powers,
    novel_fraction,
    unique_fraction,
)
from molvae.score.statistics import MAIN_PROPERTIES, ReferenceStatistics
from molvae.seeding import derive_seed

UNIQUE_AT = (1000, 10_000)
MIN_FOR_FCD = 10_000
# MOSES's names of the properties whose distributions it compares.
COMPARED_PROPERTIES = {"logP": "logp", "SA": "sa_score", "QED": "qed", "weight": "mol_weight"}


@dataclass(frozen=True)
class Compared:
    """Generated molecules and what they are compared with.

    Attributes:
        generated: The molecules.
        train: Training molecules as they were given: novelty is against these very strings.
        tests: Test sets by MOSES's names, `Test` and, where there is one, `TestSF`.
        seed: Seed of the resampling that gives the intervals.
    """

    generated: Generated
    train: Sequence[str]
    tests: dict[str, ReferenceStatistics]
    seed: int

    def seed_for(self, name: str) -> int:
        """Return the seed of the resampling for a figure."""
        return derive_seed(self.seed, f"bootstrap {name}")


def moses_metrics(compared: Compared) -> dict[str, Metric]:
    """Return the MOSES metrics by the names of the MOSES package, in its order."""
    generated = compared.generated
    figures = _validity(generated)
    measured = moments([generated.activations]) if len(generated) >= 2 else None
    for name in compared.tests:
        figures |= _likeness(compared, name, measured)
    figures |= _diversity(compared)
    for moses_name, name in COMPARED_PROPERTIES.items():
        figures[moses_name] = _distance_metric(compared, moses_name, name)
    distinct = set(generated.smiles)
    share = novel_fraction(distinct, set(compared.train))
    figures["Novelty"] = Metric(
        share,
        len(distinct),
        "Share of the distinct valid samples, as canonical SMILES, that are not among the training strings as given.",
        len(compared.train),
        interval=intervals.wilson_interval(share, len(distinct)),
    )
    return figures


def _validity(generated: Generated) -> dict[str, Metric]:
    n_samples, n_valid = len(generated.problems), len(generated)
    share = n_valid / n_samples if n_samples else math.nan
    figures = {
        "valid": Metric(
            share,
            n_samples,
            "Share of all samples that RDKit accepts as a molecule; empty ones count as invalid.",
            interval=intervals.wilson_interval(share, n_samples),
        )
    }
    for most in UNIQUE_AT:
        first = generated.smiles[:most]
        share = unique_fraction(first)
        figures[f"unique@{most}"] = Metric(
            share,
            len(first),
            f"Share of distinct canonical SMILES among the first {most} valid samples.",
            warning=_too_few(len(first), most, f"unique@{most}"),
            interval=intervals.wilson_interval(share, len(first)),
        )
    return figures


def _likeness(compared: Compared, name: str, measured: Moments | None) -> dict[str, Metric]:
    """Return how like a test set the samples are."""
    generated, test = compared.generated, compared.tests[name]
    what = "the test set" if name == "Test" else "the test set of unseen scaffolds"
    return {
        f"FCD/{name}": _fcd_metric(compared, name, measured, what),
        f"SNN/{name}": _snn_metric(compared, name, what),
        f"Frag/{name}": _cosine_metric(
            generated.each(lambda molecule: molecule.fragments),
            test.fragments,
            f"Cosine similarity of the counts of BRICS fragments in the valid samples and {what}; 1 is best.",
            len(test),
            compared.seed_for(f"Frag/{name}"),
        ),
        f"Scaf/{name}": _cosine_metric(
            [(scaffold,) for scaffold in generated.each(lambda molecule: molecule.counted_scaffold) if scaffold],
            test.scaffolds,
            f"Cosine similarity of the counts of Bemis-Murcko scaffolds with 2 rings or more in the valid samples and "
            f"{what}; 1 is best. The numbers are those of molecules with such a scaffold.",
            test.scaffolds.total(),
            compared.seed_for(f"Scaf/{name}"),
        ),
    }


def _fcd_metric(compared: Compared, name: str, measured: Moments | None, what: str) -> Metric:
    generated, test = compared.generated, compared.tests[name]
    definition = f"Frechet ChemNet distance of the valid samples, duplicates included, to {what}; 0 is best."
    warning = _too_few(
        min(len(generated), len(test)),
        MIN_FOR_FCD,
        "an FCD to compare with published ones: it falls with the size of the smaller set",
    )
    if measured is None or test.moments is None:
        return Metric(math.nan, len(generated), definition, len(test), warning)
    value = frechet_distance(measured, test.moments)
    influence = intervals.of_frechet(generated.activations, measured, test.moments)
    interval = intervals.around(value, influence, compared.seed_for(f"FCD/{name}"), lowest=0.0)
    return Metric(value, len(generated), definition, len(test), warning, interval)


def _snn_metric(compared: Compared, name: str, what: str) -> Metric:
    generated, test = compared.generated, compared.tests[name]
    both = len(generated) and len(test)
    similarity = nearest(generated.fingerprints, test.fingerprints)[0] if both else np.empty(0, np.float32)
    return Metric(
        float(similarity.mean(dtype=np.float64)) if both else math.nan,
        len(generated),
        f"Mean Tanimoto similarity (Morgan radius 2, 1024 bits) of a valid sample to the nearest in {what}.",
        len(test),
        interval=intervals.mean_interval(similarity, compared.seed_for(f"SNN/{name}")),
    )


def _cosine_metric(
    items: Sequence[Iterable[str]], reference: Counter[str], definition: str, n_reference: int, seed: int
) -> Metric:
    counted = [Counter(each) for each in items]
    total: Counter[str] = Counter()
    for each in counted:
        total.update(each)
    value = cosine_similarity(total, reference)
    interval = None
    if not math.isnan(value):
        interval = intervals.around(value, intervals.of_cosine(counted, total, reference), seed, lowest=0.0)
        interval = interval and (interval[0], min(interval[1], 1.0))
    return Metric(value, len(items), definition, n_reference, interval=interval)


def _diversity(compared: Compared) -> dict[str, Metric]:
    generated, n = compared.generated, len(compared.generated)
    means, squares = mean_powers(generated.fingerprints, (1, 2))
    diversity, diversity2 = internal_diversity(means, 1), internal_diversity(squares, 2)
    filters = float(np.mean(generated.each(lambda molecule: molecule.passes_filters))) if n else math.nan
    return {
        "IntDiv": Metric(
            diversity,
            n,
            "1 minus the mean Tanimoto similarity over all pairs of valid samples.",
            interval=_around_diversity(compared, "IntDiv", diversity, means, 1),
        ),
        "IntDiv2": Metric(
            diversity2,
            n,
            "1 minus the mean over valid samples of the root mean square Tanimoto similarity to all of them.",
            interval=_around_diversity(compared, "IntDiv2", diversity2, squares, 2),
        ),
        "Filters": Metric(
            filters,
            n,
            "Share of the valid samples of C, N, S, O, F, Cl, Br and H, without charges, rings of 8 atoms or more, and "
            "MCF or PAINS alerts.",
            interval=intervals.wilson_interval(filters, n),
        ),
    }


def _around_diversity(
    compared: Compared, name: str, value: float, means: NDArray[np.float64], power: int
) -> intervals.Interval | None:
    return intervals.around(value, intervals.of_diversity(means, power), compared.seed_for(name), lowest=0.0)


def _distance_metric(compared: Compared, moses_name: str, name: str) -> Metric:
    ours, theirs = (
        _known(values) for values in (compared.generated.properties[name], compared.tests["Test"].properties[name])
    )
    value, interval = distribution_distance(ours, theirs), None
    if not math.isnan(value):
        influence = intervals.of_distance(ours, theirs)
        interval = intervals.around(value, influence, compared.seed_for(moses_name), lowest=0.0)
    return Metric(
        value,
        len(ours),
        f"1-Wasserstein distance of the valid samples' {PROPERTIES[name].title} to the test set's; 0 is best.",
        len(theirs),
        interval=interval,
    )


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[~np.isnan(values)]


def _too_few(n: int, wanted: int, what: str) -> str | None:
    return None if n >= wanted else f"{n} molecules are fewer than the {wanted} for {what}"


def property_summaries(generated: Generated, test: ReferenceStatistics) -> dict[str, Any]:
    """Return mean and standard deviation of the main properties of the valid samples and of the test set."""
    return {
        name: {"generated": _summary(generated.properties[name]), "test": _summary(test.properties[name])}
        for name in MAIN_PROPERTIES
    }


def _summary(values: NDArray[np.float64]) -> dict[str, float | int | None]:
    known = _known(values)
    return {
        "mean": float(known.mean()) if len(known) else None,
        "sd": float(known.std(ddof=1)) if len(known) > 1 else None,
        "n": len(known),
    }
