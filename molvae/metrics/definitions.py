"""All metrics but those of a property head, which have the names of its properties.

One is added here and computed in a stage; the report shows whatever is registered.

References:
    Polykovskiy et al., Molecular Sets (MOSES): a benchmarking platform for molecular generation models, Frontiers in
    Pharmacology 2020, doi:10.3389/fphar.2020.565644.
    Brown, Fiscato, Segler and Vaucher, GuacaMol: benchmarking models for de novo molecular design, Journal of Chemical
    Information and Modeling 2019, doi:10.1021/acs.jcim.8b00839.
    Lee et al., Latent Bayesian optimization via autoregressive normalizing flows, 2025, arXiv:2504.14889 (value
    discrepancy).
"""

from molvae.chem.descriptors import PROPERTIES
from molvae.metrics.metric import Direction
from molvae.metrics.registry import METRICS, MetricSpec

UNIQUE_AT = (1000, 10_000)
"""Numbers of samples among which MOSES counts the distinct ones."""

TEST_SETS = {"Test": "the test set", "TestSF": "the scaffold test set"}
"""The test sets by MOSES's names, and what they are called in definitions."""

COMPARED_PROPERTIES = {"logP": "logp", "SA": "sa_score", "QED": "qed", "weight": "mol_weight"}
"""MOSES's names of the properties whose distributions it compares, and the names in `PROPERTIES`."""

DISCREPANCIES = ("logp", "qed")
"""Properties whose value discrepancy is computed."""

GUACAMOL = "guacamol/"
"""Prefix, in the registry, of GuacaMol's metrics, whose own names mean other metrics elsewhere."""

GUACAMOL_SAMPLES = 10_000
"""Number of molecules that GuacaMol computes its metrics from."""

ACTIVE_VARIANCE = 0.01
"""Variance of the posterior mean above which a latent dimension counts as active."""


def _define(name: str, spec: MetricSpec) -> None:
    METRICS.register(name)(spec)


# Of the model, on held-out molecules.

_define(
    "exact_reconstruction",
    MetricSpec(
        "Exact reconstruction",
        "Fraction of held-out molecules whose posterior mean decodes, greedily and without teacher forcing, to the "
        "same canonical SMILES.",
        "higher",
        "fraction",
    ),
)
_define(
    "reconstruction_similarity",
    MetricSpec(
        "Similarity of the reconstruction",
        "Mean Tanimoto similarity, ECFP4 (2,048 bits), of held-out molecules to what their posterior mean decodes to.",
        "higher",
    ),
)
_define(
    "token_accuracy",
    MetricSpec(
        "Token accuracy",
        "Fraction of the n tokens, end tokens included, that are the most probable ones given the true tokens before "
        "them and the posterior mean. This is not reconstruction.",
        "higher",
        "fraction",
    ),
)
_define(
    "reconstruction_nats",
    MetricSpec(
        "Reconstruction loss",
        "Mean cross-entropy of a molecule, decoded with teacher forcing from its posterior mean.",
        "lower",
        "nats per molecule",
    ),
)
_define(
    "unconditional_nats",
    MetricSpec(
        "Unconditional loss",
        "Mean cross-entropy of a molecule under the unconditional decoder.",
        "lower",
        "nats per molecule",
    ),
)
_define(
    "kl_nats",
    MetricSpec(
        "KL divergence",
        "Mean Kullback-Leibler divergence of a molecule's posterior from N(0, I).",
        None,
        "nats per molecule",
    ),
)
_define(
    "active_units",
    MetricSpec(
        "Active latent dimensions",
        f"Number of latent dimensions whose posterior mean has a variance above {ACTIVE_VARIANCE}.",
        None,
        is_count=True,
    ),
)
for _axis, _title in ((1, "first"), (2, "second")):
    _define(
        f"explained_variance_{_axis}",
        MetricSpec(
            f"Variance that the map's {_title} axis has",
            f"Fraction of the variance of the codes of training molecules that their {_title} principal component has.",
            None,
            "fraction",
        ),
    )
for _name in DISCREPANCIES:
    _define(
        f"value_discrepancy_{_name}",
        MetricSpec(
            f"Value discrepancy of {PROPERTIES[_name].title}",
            f"Mean absolute difference in {PROPERTIES[_name].title} between a held-out molecule and what its posterior "
            "mean decodes to, divided by the range of the held-out molecules.",
            "lower",
        ),
    )
_define(
    "distance_similarity_correlation",
    MetricSpec(
        "Correlation of distance and similarity",
        "Spearman's rank correlation, over n pairs of held-out molecules, of the Euclidean distance of their codes "
        "and their Tanimoto similarity, ECFP4 (2,048 bits).",
        "lower",
    ),
)

# Of molecules that the model decodes, whether from samples of a prior or from other codes.

_define(
    "validity",
    MetricSpec("Validity", "Fraction of the samples that are valid molecules.", "higher", "fraction"),
)
_define(
    "uniqueness",
    MetricSpec("Uniqueness", "Fraction of distinct molecules among the valid samples.", "higher", "fraction"),
)
_define(
    "novelty",
    MetricSpec(
        "Novelty",
        "Fraction of the distinct molecules that are not training molecules, by canonical SMILES.",
        "higher",
        "fraction",
    ),
)
_define(
    "fcd",
    MetricSpec(
        "FCD",
        "Fréchet ChemNet distance of the molecules to the test molecules. It falls with n: compare only values from "
        "equally large sets.",
        "lower",
    ),
)
_define(
    "anomaly",
    MetricSpec(
        "Anomaly score",
        "Mean negative log-likelihood of a token under the unconditional decoder; higher is less like the training "
        "set.",
        None,
        "nats per token",
    ),
)
_define(
    "similarity",
    MetricSpec(
        "Similarity",
        "Mean Tanimoto similarity, ECFP4 (2,048 bits), to the molecule whose code it was made from, or to both of "
        "them.",
        None,
    ),
)
_define(
    "fcd_prior",
    MetricSpec(
        "FCD of the prior's samples",
        METRICS["fcd"].definition,
        "lower",
    ),
)
for _suffix, _of in (("", "the samples"), ("_test", "the test molecules")):
    _define(
        f"broken_aromatics{_suffix}",
        MetricSpec(
            f"Broken aromatic rings among {_of}",
            f"Fraction of {_of}, distinct and valid, that have a ring with two conjugated double bonds that is not "
            "aromatic: mostly arenes that lost a double bond.",
            None if _suffix else "lower",
            "fraction",
        ),
    )
    _define(
        f"unseen_rings{_suffix}",
        MetricSpec(
            f"Unseen ring systems among {_of}",
            f"Fraction of {_of}, distinct and valid, that have a ring system that no training molecule has.",
            None,
            "fraction",
        ),
    )
for _name, _title, _what in (
    ("prior", "the prior", "samples of the chosen prior"),
    ("midpoint", "midpoints", "what codes halfway between random pairs of held-out molecules decode to"),
    ("interpolation", "interpolation", "what interpolation gives halfway between the same pairs"),
):
    _define(
        f"{_name}_gap",
        MetricSpec(
            f"FCD of {_title}, relative to the bound",
            f"FCD of {_what}, divided by that of as many decoded posterior samples of held-out molecules, the bound "
            "for a prior over codes.",
            "lower",
        ),
    )

# Of generated molecules, by the names of the MOSES package.

_VALID, _DIVERSE = "Validity, uniqueness, novelty", "Diversity, filters and property distributions"
_LIKENESS = {
    "Test": "Similarity to the test set",
    "TestSF": "Similarity to the scaffold test set",
}
_TITLES_OF_TESTS = {"Test": "test set", "TestSF": "scaffold test set"}

_define(
    "valid",
    MetricSpec(
        "Validity",
        "Fraction of the samples that RDKit accepts as molecules; empty ones count as invalid.",
        "higher",
        "fraction",
        _VALID,
    ),
)
for _k in UNIQUE_AT:
    _define(
        f"unique@{_k}",
        MetricSpec(
            f"Uniqueness of the first {_k:,}",
            f"Fraction of distinct canonical SMILES among the first {_k:,} valid samples.",
            "higher",
            "fraction",
            _VALID,
        ),
    )
_define(
    "Novelty",
    MetricSpec(
        "Novelty",
        "Fraction of the distinct valid samples, as canonical SMILES, that are not among the training strings as "
        "given.",
        "higher",
        "fraction",
        _VALID,
    ),
)
for _test, _what in TEST_SETS.items():
    _likeness: dict[str, tuple[str, Direction, str]] = {
        "FCD": ("FCD", "lower", f"Fréchet ChemNet distance of the valid samples, duplicates included, to {_what}."),
        "SNN": (
            "Nearest-neighbour similarity",
            "higher",
            f"Mean Tanimoto similarity, ECFP4 (1,024 bits), of a valid sample to its nearest neighbour in {_what}.",
        ),
        "Frag": (
            "Fragment similarity",
            "higher",
            f"Cosine similarity of the counts of BRICS fragments in the valid samples and {_what}.",
        ),
        "Scaf": (
            "Scaffold similarity",
            "higher",
            "Cosine similarity of the counts of Bemis-Murcko scaffolds with at least 2 rings in the valid samples and "
            f"{_what}; n counts the molecules with such a scaffold.",
        ),
    }
    for _name, (_title, _better, _definition) in _likeness.items():
        _define(
            f"{_name}/{_test}",
            MetricSpec(f"{_title} to {_TITLES_OF_TESTS[_test]}", _definition, _better, group=_LIKENESS[_test]),
        )
_define(
    "IntDiv",
    MetricSpec(
        "Internal diversity",
        "1 minus the mean Tanimoto similarity, ECFP4 (1,024 bits), over all pairs of valid samples.",
        "higher",
        group=_DIVERSE,
    ),
)
_define(
    "IntDiv2",
    MetricSpec(
        "Internal diversity, p = 2",
        "1 minus the mean over valid samples of the root mean square Tanimoto similarity to all of them.",
        "higher",
        group=_DIVERSE,
    ),
)
_define(
    "Filters",
    MetricSpec(
        "Pass the MOSES filters",
        "Fraction of the valid samples that consist of C, N, S, O, F, Cl, Br and H and have no charges, no rings of 8 "
        "or more atoms, and no MCF or PAINS alerts.",
        "higher",
        "fraction",
        _DIVERSE,
    ),
)
for _name, _property in COMPARED_PROPERTIES.items():
    _define(
        _name,
        MetricSpec(
            f"{PROPERTIES[_property].title} distance",
            f"1-Wasserstein distance between the distributions of {PROPERTIES[_property].title} in the valid samples "
            "and in the test set.",
            "lower",
            PROPERTIES[_property].unit,
            _DIVERSE,
        ),
    )

# Of generated molecules, by the names of the GuacaMol paper.

for _name, _title, _definition, _unit in (
    ("validity", "Validity", f"Fraction of valid molecules among the first {GUACAMOL_SAMPLES:,} samples.", "fraction"),
    (
        "uniqueness",
        "Uniqueness",
        f"Fraction of distinct molecules, stereochemistry ignored, among the first {GUACAMOL_SAMPLES:,} valid samples.",
        "fraction",
    ),
    (
        "novelty",
        "Novelty",
        f"Fraction of the first {GUACAMOL_SAMPLES:,} distinct molecules that are not training molecules, "
        "stereochemistry ignored.",
        "fraction",
    ),
    (
        "kl_divergence",
        "KL score",
        "Mean of exp(-KL divergence) between the distributions of ten quantities in the first "
        f"{GUACAMOL_SAMPLES:,} distinct molecules and in training molecules.",
        "",
    ),
    (
        "fcd",
        "FCD score",
        f"exp(-0.2 FCD) of the first {GUACAMOL_SAMPLES:,} valid samples to training molecules.",
        "",
    ),
):
    _define(f"{GUACAMOL}{_name}", MetricSpec(_title, _definition, "higher", _unit, "GuacaMol benchmark"))
