import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import QED

from molvae.chem.descriptors import PROPERTIES, compute_properties
from molvae.errors import ConfigError

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mol_weight", 180.159),
        ("logp", 1.3101),
        ("tpsa", 63.60),
        ("qed", 0.5501),
        ("sa_score", 1.5800),
        ("np_score", 0.1218),
        ("lipinski_violations", 0),
        ("hbd", 1),
        ("hba", 3),
        ("rotatable_bonds", 2),
        ("rings", 1),
        ("aromatic_rings", 1),
        ("aliphatic_rings", 0),
        ("heavy_atoms", 13),
        ("formal_charge", 0),
        ("fraction_csp3", 1 / 9),
        ("stereocentres", 0),
        ("bertz", 343.2229),
    ],
)
def test_aspirin_has_its_known_properties(name, expected):
    assert PROPERTIES[name].compute(Chem.MolFromSmiles(ASPIRIN)) == pytest.approx(expected, abs=1e-3)


def test_the_known_answers_are_of_all_properties():
    assert list(compute_properties([ASPIRIN]).columns) == list(PROPERTIES)


def test_qed_is_that_of_rdkit(smiles):
    mols = list(map(Chem.MolFromSmiles, [ASPIRIN, "[H]/N=C(/C)N", "[2H]C(Cl)Br", "OO", *smiles[:200]]))
    assert [PROPERTIES["qed"].compute(mol) for mol in mols] == list(map(QED.qed, mols))


def test_stereocentres_count_whether_assigned_or_not():
    assert compute_properties(["C[C@H](N)C(=O)O", "CC(N)C(=O)O"], ["stereocentres"])["stereocentres"].tolist() == [1, 1]


def test_natural_product_likeness_tells_morphine_from_a_sulfonylpiperazine():
    morphine, made = "CN1CC[C@]23c4c5ccc(O)c4O[C@H]2[C@@H](O)C=C[C@H]3[C@H]1C5", "O=S(=O)(c1ccc(F)cc1)N1CCN(C)CC1"
    natural, synthetic = compute_properties([morphine, made], ["np_score"])["np_score"]
    assert natural > 1.5
    assert synthetic < -1.5


def test_natural_product_likeness_is_silent(capfd):
    compute_properties(["CCO"], ["np_score"])
    assert capfd.readouterr() == ("", "")


def test_a_ring_is_either_aromatic_or_aliphatic(smiles):
    table = compute_properties(smiles, ["rings", "aromatic_rings", "aliphatic_rings"])
    assert (table["aromatic_rings"] + table["aliphatic_rings"] == table["rings"]).all()


def test_charges_add_up():
    assert compute_properties(["C[NH3+]", "[Na+].[Cl-]"], ["formal_charge"])["formal_charge"].tolist() == [1, 0]


@pytest.mark.parametrize("smiles", ["", "not a molecule", "C(C", "c1ccc1c", "N(C)(C)(C)(C)C"])
def test_a_string_that_is_no_molecule_is_a_row_of_nan(smiles):
    table = compute_properties(["CCO", smiles, "CCN"])
    assert table.loc[1].isna().all()
    assert table.loc[[0, 2]].notna().all(axis=None)


@pytest.mark.parametrize("smiles", ["[H][H]", "[Na+].[Cl-]", "*", "[U]", "[H+]", "[Xe]", "C[N+]"])
def test_an_odd_molecule_has_numbers_or_nan_but_no_error(smiles):
    assert compute_properties([smiles]).shape == (1, len(PROPERTIES))


def test_a_property_that_cannot_be_computed_is_nan():
    def fails(mol):
        raise ValueError(mol)

    wrong = type(PROPERTIES["qed"])("title", "", "definition", fails)
    assert math.isnan(wrong.compute(Chem.MolFromSmiles("C")))


def test_columns_are_the_names_asked_for_in_their_order():
    assert list(compute_properties(["C"], ["tpsa", "logp"]).columns) == ["tpsa", "logp"]


def test_no_molecules_are_an_empty_table():
    assert compute_properties([], ["tpsa"]).shape == (0, 1)


def test_an_unknown_property_is_named_with_the_nearest_known_one():
    with pytest.raises(ConfigError, match="did you mean logp"):
        compute_properties(["C"], ["logP"])


@pytest.mark.parametrize("name", PROPERTIES)
def test_every_property_is_described(name):
    assert PROPERTIES[name].title
    assert PROPERTIES[name].definition.endswith(".")


@given(st.permutations(["CCO", "c1ccccc1", "x", "CC(=O)N", "C1CCNC1"]))
def test_rows_follow_the_order_of_the_molecules(order):
    together = compute_properties(order, ["mol_weight", "qed"])
    apart = [compute_properties([smiles], ["mol_weight", "qed"]) for smiles in order]
    for row, single in enumerate(apart):
        assert together.loc[row].equals(single.loc[0].rename(row))


def test_the_processes_do_not_change_the_values(smiles):
    many = smiles * 7
    one = compute_properties(many, ["logp", "tpsa"], n_jobs=1)
    assert one.equals(compute_properties(many, ["logp", "tpsa"], n_jobs=2))
