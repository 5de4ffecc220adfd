"""Similarities on unfolded fingerprints."""

from typing import get_args

import pytest
from rdkit import Chem

from molvae.optimize.similarity import FingerprintName, similarity_to

ASPIRIN = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")


@pytest.mark.parametrize("name", get_args(FingerprintName))
def test_one_to_itself_however_written_and_less_to_another(name):
    similarity = similarity_to(ASPIRIN, name)
    assert similarity(Chem.MolFromSmiles("OC(=O)c1ccccc1OC(C)=O")) == 1.0
    assert 0.0 < similarity(Chem.MolFromSmiles("CC(=O)Nc1ccc(O)cc1")) < 1.0


def test_counts_tell_chains_apart_where_bits_do_not():
    nonane, decane = Chem.MolFromSmiles("C" * 9), Chem.MolFromSmiles("C" * 10)
    assert similarity_to(decane, "ECFP4_bits")(nonane) == 1.0
    assert similarity_to(decane, "ECFP4")(nonane) < 1.0


def test_features_ignore_which_halogen():
    fluoro, chloro = Chem.MolFromSmiles("Fc1ccccc1"), Chem.MolFromSmiles("Clc1ccccc1")
    assert similarity_to(fluoro, "FCFP4")(chloro) == 1.0
    assert similarity_to(fluoro, "ECFP4")(chloro) < 1.0
