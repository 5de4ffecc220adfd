import pytest

from molvae.chem.molecules import canonical_smiles, parse, why_not_a_molecule


@pytest.mark.parametrize("text", ["", " ", "CC(", "c1cccc1", "CN(=C)=C", "molecule", "C\0C"])
def test_what_is_no_molecule_is_none(text):
    assert parse(text) is None
    assert canonical_smiles(text) is None


def test_canonical_form_does_not_depend_on_the_order_of_atoms():
    assert canonical_smiles("OCC") == canonical_smiles("C(O)C") == "CCO"


def test_stereochemistry_can_be_left_out():
    assert canonical_smiles("C[C@H](N)C(=O)O") == "C[C@H](N)C(=O)O"
    assert canonical_smiles("C[C@H](N)C(=O)O", stereo=False) == "CC(N)C(=O)O"


@pytest.mark.parametrize(
    ("smiles", "why"), [("CC(", "not SMILES"), ("CN(=C)=C", "valence"), ("c1cccc1", "kekulize"), ("", "no atoms")]
)
def test_the_reason_says_what_is_wrong(smiles, why):
    assert why in why_not_a_molecule(smiles)
