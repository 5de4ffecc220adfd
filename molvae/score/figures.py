"""The figures of a scored set."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.fcd import frechet_distance, moments
from molvae.chem.fingerprints import nearest
from molvae.figures import Figure
from molvae.score.describe import MAIN_PROPERTIES, Compared, Described, Generated
from molvae.score.metrics import (
    cosine_similarity,
    distribution_distance,
    internal_diversity,
    novel_share,
    scaffold_counts,
    unique_share,
)

UNIQUE_AT = (1000, 10_000)
FEWEST_FOR_FCD = 10_000
# MOSES's names of the properties whose distributions it compares.
COMPARED_PROPERTIES = {"logP": "logp", "SA": "sa_score", "QED": "qed", "weight": "mol_weight"}


def moses_figures(molecules: Described) -> dict[str, Figure]:
    """Return the MOSES metrics by the names of the MOSES package, in its order."""
    generated = molecules.generated
    figures = _validity(generated)
    for name, test in molecules.tests.items():
        figures |= _likeness(generated, test, name)
    figures |= _diversity(generated)
    test = molecules.tests["Test"]
    for moses_name, name in COMPARED_PROPERTIES.items():
        ours, theirs = generated.properties[name], test.properties[name]
        figures[moses_name] = Figure(
            distribution_distance(ours, theirs),
            int(np.count_nonzero(~np.isnan(ours))),
            f"1-Wasserstein distance of the valid samples' {PROPERTIES[name].title} to the test set's; 0 is best.",
            int(np.count_nonzero(~np.isnan(theirs))),
        )
    figures["Novelty"] = Figure(
        novel_share(generated.smiles, set(molecules.train.smiles)),
        len(set(generated.smiles)),
        "Share of the distinct valid samples that are not training molecules, by canonical SMILES.",
        len(molecules.train.smiles),
    )
    return figures


def _validity(generated: Generated) -> dict[str, Figure]:
    n_samples, n_valid = len(generated.is_valid), len(generated.smiles)
    figures = {
        "valid": Figure(
            n_valid / n_samples if n_samples else math.nan,
            n_samples,
            "Share of all samples that RDKit accepts as a molecule; empty ones count as invalid.",
        )
    }
    for most in UNIQUE_AT:
        first = generated.smiles[:most]
        figures[f"unique@{most}"] = Figure(
            unique_share(first),
            len(first),
            f"Share of distinct canonical SMILES among the first {most} valid samples.",
            warning=_too_few(len(first), most, f"unique@{most}"),
        )
    return figures


def _likeness(generated: Generated, test: Compared, name: str) -> dict[str, Figure]:
    """Return how like a test set the samples are."""
    n, n_test = len(generated.smiles), len(test.smiles)
    what = "the test set" if name == "Test" else "the test set of unseen scaffolds"
    scaffolds = scaffold_counts(generated.scaffolds, generated.n_rings)
    test_scaffolds = scaffold_counts(test.scaffolds, test.n_rings)
    fewest = min(n, n_test)
    return {
        f"FCD/{name}": Figure(
            frechet_distance(moments(generated.activations), moments(test.activations)) if fewest >= 2 else math.nan,
            n,
            f"Frechet ChemNet distance of the valid samples, duplicates included, to {what}; 0 is best.",
            n_test,
            _too_few(
                fewest,
                FEWEST_FOR_FCD,
                "an FCD to compare with published ones: it falls with the size of the smaller set",
            ),
        ),
        f"SNN/{name}": Figure(
            float(nearest(generated.fingerprints, test.fingerprints)[0].mean(dtype=np.float64)) if fewest else math.nan,
            n,
            f"Mean Tanimoto similarity (Morgan radius 2, 1024 bits) of a valid sample to the nearest in {what}.",
            n_test,
        ),
        f"Frag/{name}": Figure(
            cosine_similarity(generated.fragments, test.fragments),
            n,
            f"Cosine similarity of the counts of BRICS fragments in the valid samples and {what}; 1 is best.",
            n_test,
        ),
        f"Scaf/{name}": Figure(
            cosine_similarity(scaffolds, test_scaffolds),
            scaffolds.total(),
            f"Cosine similarity of the counts of Bemis-Murcko scaffolds with 2 rings or more in the valid samples and "
            f"{what}; 1 is best. The numbers are those of molecules with such a scaffold.",
            test_scaffolds.total(),
        ),
    }


def _diversity(generated: Generated) -> dict[str, Figure]:
    n = len(generated.smiles)
    intdiv, intdiv2 = internal_diversity(generated.fingerprints, (1, 2))
    return {
        "IntDiv": Figure(intdiv, n, "1 minus the mean Tanimoto similarity over all pairs of valid samples."),
        "IntDiv2": Figure(
            intdiv2,
            n,
            "1 minus the mean over valid samples of the root mean square Tanimoto similarity to all of them.",
        ),
        "Filters": Figure(
            float(generated.passes_filters.mean()) if n else math.nan,
            n,
            "Share of the valid samples of C, N, S, O, F, Cl, Br and H, without charges, rings of 8 atoms or more, and "
            "MCF or PAINS alerts.",
        ),
    }


def _too_few(n: int, wanted: int, what: str) -> str | None:
    return None if n >= wanted else f"{n} molecules are fewer than the {wanted} for {what}"


def property_summaries(generated: Generated, test: Compared) -> dict[str, Any]:
    """Return mean and standard deviation of the main properties of the valid samples and of the test set."""
    return {
        name: {"generated": _summary(generated.properties[name]), "test": _summary(test.properties[name])}
        for name in MAIN_PROPERTIES
    }


def _summary(values: NDArray[np.float64]) -> dict[str, float | int | None]:
    known = values[~np.isnan(values)]
    return {
        "mean": float(known.mean()) if len(known) else None,
        "sd": float(known.std(ddof=1)) if len(known) > 1 else None,
        "n": len(known),
    }
