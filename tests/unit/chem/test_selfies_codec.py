import contextlib

import pytest
import selfies
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molvae.chem.molecules import canonical_smiles
from molvae.chem.quiet import quiet
from molvae.chem.selfies_codec import read_tokens, selfies_constraints, selfies_to_smiles, smiles_to_selfies
from molvae.errors import ConfigError
from molvae.vocabulary import Vocabulary

ALPHABET = sorted(selfies.get_semantic_robust_alphabet())


@pytest.mark.parametrize(
    "smiles",
    [
        "CCO",
        "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
        "C[C@H](N)C(=O)O",
        "F/C=C/Cl",
        "O=[N+]([O-])c1ccccc1",
        "C[N+](C)(C)CCO",
        "CS(=O)c1cnc2[nH]ccc2c1",
        "OB(O)c1ccccc1",
        "CP(=O)(O)O",
    ],
)
def test_a_molecule_survives_the_round_trip(smiles):
    assert selfies_to_smiles(smiles_to_selfies(smiles)) == canonical_smiles(smiles)


@given(st.lists(st.sampled_from(ALPHABET), max_size=40).map("".join))
def test_any_string_of_tokens_is_a_molecule_in_canonical_form_or_none(text):
    with quiet():
        smiles = selfies_to_smiles(text)
    assert smiles is None or smiles == Chem.CanonSmiles(smiles)


@pytest.mark.parametrize("smiles", ["", "C*", "C(", "[O-][Cl+3]([O-])([O-])[O-]C", "CCO ethanol"])
def test_what_selfies_cannot_express_is_none(smiles):
    assert smiles_to_selfies(smiles) is None


@pytest.mark.parametrize("text", ["", "[C][", "[nonsense]", "C", "[Ring1]", "[Branch1]"])
def test_what_stands_for_no_molecule_is_none(text):
    with quiet():
        assert selfies_to_smiles(text) is None


def written(text):
    """Return the SMILES of a SELFIES as a model that wrote it would give it."""
    vocabulary = Vocabulary.from_selfies([text])
    return read_tokens([vocabulary.encode(text)], vocabulary, "default")[0]


@pytest.mark.parametrize(
    ("text", "smiles"),
    [
        ("[C][C@@H1][C]", "CCC"),
        ("[C][C@@H1][Branch1][C][F][C]", "CC(C)F"),
        ("[C][CH0][C]", "CCC"),
        ("[C][N+1][C]", "C[NH2+]C"),
        ("[C][NH1]", "CN"),
        ("[C][C@@H1][Branch1][C][F][O]", "C[C@H](O)F"),
    ],
)
def test_hydrogens_fill_what_a_written_token_leaves_open(text, smiles):
    assert written(text) == canonical_smiles(smiles)


@given(st.lists(st.sampled_from(ALPHABET), min_size=1, max_size=40).map("".join))
def test_no_written_molecule_is_a_radical(text):
    smiles = written(text)
    if smiles is not None:
        assert smiles == Chem.CanonSmiles(smiles)
        assert not any(atom.GetNumRadicalElectrons() for atom in Chem.MolFromSmiles(smiles).GetAtoms())


def test_branches_too_deep_for_the_library_are_none():
    assert smiles_to_selfies("C(C" * 3000 + ")C" * 3000) is None


def test_constraints_hold_inside_the_block_only():
    before = selfies.get_semantic_constraints()
    sulfone = "CS(C)(=O)=O"
    with selfies_constraints("octet_rule"):
        assert smiles_to_selfies(sulfone) is None
        with selfies_constraints("default"):
            assert smiles_to_selfies(sulfone) is not None
        assert smiles_to_selfies(sulfone) is None
    assert smiles_to_selfies(sulfone) is not None
    with contextlib.suppress(ZeroDivisionError), selfies_constraints("hypervalent"):
        assert smiles_to_selfies("CCI(=O)=O") is not None
        raise ZeroDivisionError
    assert selfies.get_semantic_constraints() == before


def test_constraints_that_others_set_are_theirs_again_afterwards():
    selfies.set_semantic_constraints("hypervalent")
    try:
        with selfies_constraints("default"):
            assert smiles_to_selfies("CCI(=O)=O") is None
        assert selfies.get_semantic_constraints() == selfies.get_preset_constraints("hypervalent")
    finally:
        selfies.set_semantic_constraints()


def test_a_table_of_ones_own_decides_what_a_string_means():
    with selfies_constraints({**selfies.get_preset_constraints("default"), "N": 1}):
        assert selfies_to_smiles("[C][N][C][C]") == "CN"
    assert selfies_to_smiles("[C][N][C][C]") == "CCNC"


@pytest.mark.parametrize("table", ["octet", {"C": 4}, {"Xx": 1, "?": 8}, {"C": -1, "?": 8}])
def test_an_impossible_table_is_a_wrong_setting(table):
    with pytest.raises(ConfigError, match="expected default, octet_rule, hypervalent, or"), selfies_constraints(table):
        pass
    assert selfies.get_semantic_constraints() == selfies.get_preset_constraints("default")
