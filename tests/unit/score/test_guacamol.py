import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molvae.chem.descriptors import PROPERTIES, compute_properties
from molvae.chem.fcd import chemnet_activations, moments
from molvae.chem.fingerprints import morgan_bits, tanimoto_matrix
from molvae.chem.molecules import canonical_smiles, parse
from molvae.chem.quiet import quiet
from molvae.metrics.columns import take
from molvae.score import guacamol
from molvae.score.guacamol import (
    COUNTS,
    DESCRIPTORS,
    FlatMolecules,
    Samples,
    Training,
    distributions,
    draw_distinct,
    draw_valid,
    fcd_score,
    flat_molecules,
    guacamol_metrics,
    kl_divergences,
    kl_score,
    reference_rows,
)

GOLDEN = Path(__file__).parents[2] / "golden"
PACKAGE = json.loads((GOLDEN / "guacamol_metrics.json").read_text())
# The package's names of the quantities.
NAMES = {
    "BertzCT": "bertz",
    "MolLogP": "logp",
    "MolWt": "mol_weight",
    "TPSA": "tpsa",
    "NumHAcceptors": "hba",
    "NumHDonors": "hbd",
    "NumRotatableBonds": "rotatable_bonds",
    "NumAliphaticRings": "aliphatic_rings",
    "NumAromaticRings": "aromatic_rings",
    "internal_similarity": "internal_similarity",
}


def described(strings):
    with quiet():
        parsed = [parse(text) for text in strings]
    mols = [mol for mol in parsed if mol is not None]
    smiles = [Chem.MolToSmiles(mol) for mol in mols]
    properties = {name: np.array([PROPERTIES[name].compute(mol) for mol in mols]) for name in DESCRIPTORS}
    is_valid = np.array([mol is not None for mol in parsed], dtype=bool)
    return Samples(is_valid, smiles, flat_molecules(mols, smiles, properties), chemnet_activations(smiles))


def trained_on(strings):
    drawn = described([strings[row] for row in reference_rows(len(strings))])
    known = {canonical_smiles(text, stereo=False) for text in strings}
    return Training(known, distributions(drawn.flat), moments([drawn.activations]))


@pytest.fixture(scope="module")
def golden():
    """Return the samples, the training molecules and the metrics of the golden comparison."""
    table = pd.read_csv(GOLDEN / "guacamol_molecules.csv", keep_default_na=False)
    sets = {name: group["smiles"].tolist() for name, group in table.groupby("set")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guacamol, "GUACAMOL_SAMPLES", PACKAGE["number_samples"])
        samples, training = described(sets["generated"]), trained_on(sets["train"])
        return samples, training, draw_distinct(samples), guacamol_metrics(samples, training)


@pytest.mark.parametrize("name", PACKAGE["scores"])
def test_the_score_is_that_of_the_guacamol_package(golden, name):
    metric = golden[3][name]
    assert metric.value == pytest.approx(PACKAGE["scores"][name], abs=1e-6, rel=0)
    assert metric.warning is None


@pytest.mark.parametrize("name", NAMES)
def test_the_divergence_is_that_of_the_guacamol_package(golden, name):
    samples, training, distinct, _ = golden
    ours = kl_divergences(distributions(take(samples.flat, distinct.rows)), training.distributions)
    assert ours[NAMES[name]] == pytest.approx(PACKAGE["divergences"][name], abs=1e-6, rel=0)


def test_the_package_has_no_other_scores_or_quantities(golden):
    assert list(golden[3]) == list(PACKAGE["scores"])
    assert list(NAMES) == list(PACKAGE["divergences"])


def test_fewer_samples_than_the_definition_asks_for_have_a_warning(golden):
    samples, training, *_ = golden
    metrics = guacamol_metrics(samples, training)
    n_valid = len(samples.smiles)
    assert metrics["validity"].n == len(samples.is_valid)
    assert metrics["uniqueness"].value == len(set(samples.flat.smiles)) / n_valid
    assert metrics["uniqueness"].n == metrics["fcd"].n == n_valid
    for metric in metrics.values():
        assert "fewer than the 10,000 that GuacaMol asks for" in metric.warning
        assert metric.definition.endswith(".")


def test_samples_without_a_molecule_have_validity_0_and_nothing_else(golden):
    metrics = guacamol_metrics(described(["C(C", ""]), golden[1])
    assert metrics["validity"].value == 0
    assert all(math.isnan(metric.value) for name, metric in metrics.items() if name != "validity")
    assert math.isnan(guacamol_metrics(described([]), golden[1])["validity"].value)


@pytest.mark.parametrize("n_training", [10_001, 25_000])
def test_the_reference_molecules_are_those_that_the_package_draws(n_training):
    training = [f"molecule {row}" for row in range(n_training)]
    state = np.random.get_state()  # noqa: NPY002 - as in the package
    np.random.seed(42)  # noqa: NPY002
    drawn = np.random.choice(training, 10_000, replace=False).tolist()  # noqa: NPY002
    np.random.set_state(state)  # noqa: NPY002
    assert [training[row] for row in reference_rows(n_training)] == drawn


def test_of_few_reference_molecules_all_are_taken():
    assert reference_rows(3).tolist() == [0, 1, 2]


def test_a_smaller_number_of_reference_molecules_is_the_first_that_are_drawn():
    assert reference_rows(20_000, 50).tolist() == reference_rows(20_000)[:50].tolist()


def test_a_smaller_number_of_few_reference_molecules_is_drawn_from_all_of_them():
    """The training molecules may be sorted, as by their measured values."""
    rows = reference_rows(9_000, 1_000)
    assert len(set(rows.tolist())) == 1_000
    assert 4_000 < rows.mean() < 5_000
    assert len(set(reference_rows(3, 2).tolist())) == 2


def samples_of(pattern):
    """Return samples from letters: a molecule for each, the same for the same letter, and none for a space."""
    smiles = [letter for letter in pattern if letter != " "]
    zeros = np.zeros(len(smiles))
    flat = FlatMolecules(
        [text.lower() for text in smiles], dict.fromkeys(DESCRIPTORS, zeros), np.zeros((len(smiles), 512), np.uint8)
    )
    is_valid = np.array([letter != " " for letter in pattern], dtype=bool)
    return Samples(is_valid, smiles, flat, np.zeros((len(smiles), 512), np.float32))


@pytest.mark.parametrize(
    ("pattern", "valid", "distinct"),
    [
        ("abcdef", ("abc", 3), ("abc", 3)),
        ("a  bcd", ("abc", 3), ("abc", 3)),
        ("aaabac", ("aaa", 3), ("abc", 3)),
        # Stereoisomers are distinct here.
        ("aAaabc", ("aAa", 3), ("aAb", 3)),
        # The samples come to an end.
        ("a b", ("ab", 2), ("ab", 2)),
        ("ab", ("ab", 2), ("ab", 2)),
        ("   ", ("", 0), ("", 0)),
        ("", ("", 0), ("", 0)),
        # They last, but too few of them are distinct, or molecules.
        ("a" * 40, ("aaa", 3), ("a", 3)),
        ("a" + " " * 40 + "b", ("a", 3), ("a", 3)),
    ],
)
def test_molecules_are_drawn_until_there_are_enough_or_the_tries_are_spent(monkeypatch, pattern, valid, distinct):
    monkeypatch.setattr(guacamol, "GUACAMOL_SAMPLES", 3)
    samples = samples_of(pattern)
    for draw, (letters, wanted) in ((draw_valid(samples), valid), (draw_distinct(samples), distinct)):
        assert "".join(samples.smiles[row] for row in draw.rows) == letters
        assert draw.n == wanted


counts = st.lists(st.integers(0, 12), min_size=3, max_size=30).filter(lambda values: len(set(values)) > 1)


def with_all(sample):
    return dict.fromkeys((*DESCRIPTORS, "internal_similarity"), np.array(sample, dtype=float))


@settings(max_examples=30)
@given(counts, counts)
def test_divergences_are_0_for_the_same_set_and_never_less(a, b):
    assert kl_score(kl_divergences(with_all(a), with_all(a))) == pytest.approx(1)
    divergences = kl_divergences(with_all(a), with_all(b)).values()
    assert all(value >= -1e-12 for value in divergences if not math.isnan(value))


def test_a_density_of_a_single_value_has_no_divergence():
    divergences = kl_divergences(with_all([2, 2, 2]), with_all([1, 2, 3]))
    assert [name for name in divergences if not math.isnan(divergences[name])] == list(COUNTS)
    assert math.isnan(kl_score(divergences))


def test_a_quantity_without_a_density_is_named(golden, monkeypatch):
    monkeypatch.setattr(guacamol, "GUACAMOL_SAMPLES", 3)
    metric = guacamol_metrics(described(["CCC", "CCCCC", "CC(C)C"]), golden[1])["kl_divergence"]
    assert math.isnan(metric.value)
    assert metric.warning == "no density can be estimated for tpsa"


def test_counts_beyond_those_of_the_reference_are_in_no_bin():
    reference = with_all([0, 1, 2, 3])
    assert kl_divergences(with_all([0, 1, 2, 3, 9]), reference)["hba"] == pytest.approx(0)
    assert math.isnan(kl_divergences(with_all([8, 9]), reference)["hba"])


def test_the_fcd_score_of_known_distances():
    assert fcd_score(0) == 1
    assert fcd_score(5) == pytest.approx(1 / math.e)


def test_distributions_are_of_distinct_molecules_with_0_for_what_is_not_finite():
    descriptors = {name: np.array([1.0, math.nan, 2.0, math.inf]) for name in DESCRIPTORS}
    packed = morgan_bits(["CCO", "CCN", "CCO", "CCCO"], 4096)
    values = distributions(FlatMolecules(["CCO", "CCN", "CCO", "CCCO"], descriptors, packed))
    assert values["logp"].tolist() == [1.0, 0.0, 0.0]
    to_others = tanimoto_matrix(packed[[0, 1, 3]], packed[[0, 1, 3]]) - np.eye(3)
    assert values["internal_similarity"] == pytest.approx(to_others.max(axis=1))


def test_descriptors_are_those_of_the_molecule_without_stereochemistry_and_isotopes():
    given = ["CCO", "[2H]C([2H])[2H]", r"[H]/N=C(/C)c1ccccc1", "C[C@H](N)C(=O)O"]
    flat = described(given).flat
    assert flat.smiles == ["CCO", "[H]C([H])[H]", "[H]N=C(C)c1ccccc1", "CC(N)C(=O)O"]
    expected = compute_properties(flat.smiles, DESCRIPTORS)
    for name in DESCRIPTORS:
        assert flat.descriptors[name] == pytest.approx(expected[name])
    assert np.array_equal(flat.fingerprints, morgan_bits(flat.smiles, 4096))
