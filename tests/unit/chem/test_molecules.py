import pytest
from rdkit import Chem

from molvae.chem.molecules import canonical_smiles, is_ordinary, parse, why_not_a_molecule, without_stereo
from molvae.chem.quiet import quiet
from tests.fixtures.malformed import KINDS, malformed_strings


@pytest.mark.parametrize("text", ["", " ", "CC(", "c1cccc1", "CN(=C)=C", "molecule", "C\0C"])
def test_what_is_no_molecule_is_none(text):
    assert parse(text) is None
    assert canonical_smiles(text) is None


def test_molecules_are_ordinary(smiles):
    assert all(map(is_ordinary, smiles))


@pytest.mark.parametrize("kind", ["million characters", "complete graph", "acene"])
def test_what_may_take_long_is_not_ordinary(kind):
    strings = [text for name, text in malformed_strings(400, seed=1) if name == kind]
    assert len(strings) > 10
    assert not any(map(is_ordinary, strings))


def test_malformed_strings_are_of_all_kinds_and_the_same_for_the_same_seed():
    strings = malformed_strings(100, seed=3)
    assert {kind for kind, _ in strings} == set(KINDS)
    assert strings == malformed_strings(100, seed=3) != malformed_strings(100, seed=4)


def test_canonical_form_does_not_depend_on_the_order_of_atoms():
    assert canonical_smiles("OCC") == canonical_smiles("C(O)C") == "CCO"


def test_stereochemistry_can_be_left_out():
    assert canonical_smiles("C[C@H](N)C(=O)O") == "C[C@H](N)C(=O)O"
    assert canonical_smiles("C[C@H](N)C(=O)O", stereo=False) == "CC(N)C(=O)O"


@pytest.mark.parametrize(
    ("smiles", "flat"),
    [
        ("C[C@H](N)C(=O)O", "CC(N)C(=O)O"),
        ("F/C=C/F", "FC=CF"),
        ("[13CH3]C[2H]", "[H]CC"),
        (r"[H]/N=C(/C)C1CC1", "[H]N=C(C)C1CC1"),
        ("C[N+](C)(C)CC(=O)[O-]", "C[N+](C)(C)CC(=O)[O-]"),
    ],
)
def test_without_stereo_neither_stereochemistry_nor_isotopes_are_left(smiles, flat):
    mol = parse(smiles)
    without, left = without_stereo(mol, Chem.MolToSmiles(mol))
    assert without == flat
    assert Chem.MolToSmiles(left) == canonical_smiles(flat)
    assert (left is mol) is (smiles == flat)


def test_without_stereo_is_the_canonical_form_without_it(smiles):
    for mol in map(parse, smiles):
        assert without_stereo(mol, Chem.MolToSmiles(mol))[0] == Chem.MolToSmiles(mol, isomericSmiles=False)


@pytest.mark.parametrize(
    ("smiles", "why"), [("CC(", "not SMILES"), ("CN(=C)=C", "valence"), ("c1cccc1", "kekulize"), ("", "no atoms")]
)
def test_the_reason_says_what_is_wrong(smiles, why):
    assert why in why_not_a_molecule(smiles)


@pytest.mark.parametrize(
    ("smiles", "why"),
    [
        ("CCOC(=O)C CCO", "text after a blank: 'CCO'"),
        ("CCN(CC)CCO (2:1)", "text after a blank: '(2:1)'"),
        ("CCO\tCC", "text after a blank: 'CC'"),
        ("CCO\nCC", "text after a blank: 'CC'"),
        ("CCO |a:1| lot 5", "text after a blank: 'lot 5'"),
        ("CCO |a:1", "text after a blank: '|a:1'"),
        ("CCO |nonsense|", "an extension that cannot be read: |nonsense|"),
        ("CC1CCN(CC)C1 |LN:2:1.3|", "a link node, an atom that is repeated"),
        ("CCOCC |Sg:n:2,3:n:ht|", "the brackets of a polymer"),
        ("CCSCC |Sg:any:2::ht|", "the brackets of a polymer"),
        ("ClC.Oc1ccccc1 |m:1:4.5.6|", "a group whose position varies"),
        ("CCO |$;;_AP1$|", "an attachment point"),
        ("CCCO |s:1:2|", "an atom of a query"),
    ],
)
def test_what_follows_a_smiles_is_never_cut_off(smiles, why):
    with quiet():
        assert parse(smiles) is None
        assert canonical_smiles(smiles) is None
        assert why_not_a_molecule(smiles) == why


@pytest.mark.parametrize(
    ("smiles", "flat"),
    [
        ("CC[C@H](N)O |a:2|", "CC[C@H](N)O"),
        ("CC[C@H](N)O |&1:2|", "CCC(N)O"),
        ("CC[C@H](N)O |o1:2|", "CCC(N)O"),
        ("CC[C@H](N)O |r|", "CCC(N)O"),
        ("C[C@H](N)CC[C@@H](O)F |&1:1,a:5|", "CC(N)CC[C@@H](O)F"),
        ("C1=CC=CC=C1CC |c:0,2,4|", "CCc1ccccc1"),
    ],
)
def test_centres_of_racemates_and_unknown_enantiomers_are_left_open(smiles, flat):
    assert canonical_smiles(smiles) == canonical_smiles(flat)


def test_flat_forms_are_of_what_has_stereochemistry_or_isotopes():
    from molvae.chem.molecules import flat_forms

    assert flat_forms(["C[C@H](N)C(=O)O", "CCO", "[2H]C", "no molecule @"]) == {"CC(N)C(=O)O", "C"}
