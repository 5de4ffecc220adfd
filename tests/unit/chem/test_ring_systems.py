from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.chem.molecules import canonical_smiles, parse
from molvae.chem.ring_systems import Familiarity, familiarity, has_broken_aromatic, ring_systems


@pytest.mark.parametrize(
    ("smiles", "systems"),
    [
        ("CCCO", []),
        ("Cc1ccccc1", ["c1ccccc1"]),
        ("c1ccc(-c2ccccc2)cc1", ["c1ccccc1", "c1ccccc1"]),
        ("c1ccc(C=Cc2ccccn2)cc1", ["c1ccccc1", "c1ccncc1"]),
        ("CC1CC2CCC1(C)C2", ["C1CC2CCC1C2"]),
        ("C1CCC2(CC1)OCCO2", ["C1CCC2(CC1)OCCO2"]),
        ("CN1CCCC1=O", ["O=C1CCCN1"]),
        ("CC=C1CCCC1", ["C=C1CCCC1"]),
        ("CC(=O)C1CC1", ["C1CC1"]),
        ("Cn1cccc1", ["c1cc[nH]c1"]),
        ("C[n+]1ccccc1.[Cl-]", ["c1cc[nH+]cc1"]),
        ("Cn1c(=O)c2c(ncn2C)n(C)c1=O", ["O=c1[nH]c(=O)c2[nH]cnc2[nH]1"]),
        # The example that useful_rdkit_utils is tested with, without its stereochemistry.
        (
            r"CC(=O)[O-].CCn1c(=O)/c(=C2\Sc3ccccc3N2C)s/c1=C\C1CCC[n+]2c1sc1ccccc12",
            ["C=c1[nH]c(=O)c(=C2Nc3ccccc3S2)s1", "c1ccc2c(c1)sc1[n+]2CCCC1"],
        ),
    ],
)
def test_a_ring_system_is_what_no_acyclic_single_bond_divides(smiles, systems):
    assert ring_systems(parse(smiles)) == systems


def test_mirror_images_and_isotopes_share_a_ring_system():
    variants = ["C[C@H]1CCC[C@@H]1O", "C[C@@H]1CCC[C@H]1O", "[2H]C1CCCC1", "C1CC[13CH2]C1"]
    assert {tuple(ring_systems(parse(smiles))) for smiles in variants} == {("C1CCCC1",)}


def test_ring_systems_are_molecules_and_their_own_ring_systems(smiles):
    for system in {system for molecule in smiles for system in ring_systems(parse(molecule))}:
        assert canonical_smiles(system) == system
        assert ring_systems(parse(system)) == [system]


REFERENCE = Counter({"c1ccccc1": 90, "C1CC1": 3})


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("CCO", Familiarity(1.0, None)),
        ("Cc1ccccc1C1CC1", Familiarity(1.0, 3)),
        ("c1ccc(-c2ccccc2)cc1", Familiarity(1.0, 90)),
        ("c1ccccc1C1CC1C1CCC1", Familiarity(2 / 3, 0)),
        ("C1CCC1", Familiarity(0.0, 0)),
    ],
)
def test_familiarity_is_the_fraction_of_known_systems_and_the_count_of_the_rarest(smiles, expected):
    assert familiarity(ring_systems(parse(smiles)), REFERENCE) == expected


@given(st.lists(st.sampled_from("abc"), min_size=1), st.dictionaries(st.sampled_from("abc"), st.integers(1, 9)))
def test_all_are_known_exactly_if_the_rarest_occurs(systems, reference):
    fraction, rarest = familiarity(systems, reference)
    assert 0 <= fraction <= 1
    assert (fraction == 1) is (rarest > 0)


@pytest.mark.parametrize(
    "smiles", ["CC1=CC=CCC1", "CC1=NN=CC1C", "c1ccc2c(c1)C=CC=CC2", "C1=CNC=CC=C1", "CC1=CC(=O)CC=C1", "N1=CC=CC1"]
)
def test_conjugated_double_bonds_of_a_ring_that_is_not_aromatic_are_found(smiles):
    assert has_broken_aromatic(parse(smiles))


@pytest.mark.parametrize(
    "smiles",
    [
        *("c1ccccc1", "CC1=CCCCC1", "Cn1ccccc1=O", "O=C1C=CC(=O)C=C1", "CC1=C(C)NC(C)=C(C)C1", "c1ccc2c(c1)C=CCC2"),
        *("C=CC=CC", "C=CC1=CCCC1", "C1=CCC=CC1", "O=c1cc[nH]c(=O)[nH]1", "O=c1ccoc2ccccc12"),
        # Across two rings, as in many a steroid.
        "C1CC=C2CCCC=C21",
    ],
)
def test_others_are_not(smiles):
    assert not has_broken_aromatic(parse(smiles))
