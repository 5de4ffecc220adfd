import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molvae.chem.count_features import FEATURES, compute_features, join, size, take
from molvae.chem.fingerprints import tanimoto_matrix


@pytest.fixture(scope="module")
def mols(smiles):
    return [Chem.MolFromSmiles(text) for text in smiles[:40]]


def test_the_similarity_of_unary_bits_is_that_of_counts(mols):
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=3)
    counts = [generator.GetSparseCountFingerprint(mol) for mol in mols]
    expected = [DataStructs.BulkTanimotoSimilarity(one, counts) for one in counts]
    bits = compute_features(mols, ["ecfp6"])["ecfp6"]
    difference = tanimoto_matrix(bits, bits) - expected
    # Some bits are shared by two substructures.
    assert np.abs(difference).max() < 0.06
    assert np.abs(difference).mean() < 0.01


def test_composition_counts_atoms():
    composition = compute_features([Chem.MolFromSmiles("O=C(O)c1ccccc1Cl")], ["composition"])["composition"]
    np.testing.assert_allclose(composition[0], [7, 0, 2, 0, 0, 0, 1, 0, 0, 5 / 4])


def test_parts_are_joined_and_taken(mols):
    whole = compute_features(mols)
    again = join([compute_features(mols[:15]), compute_features([]), compute_features(mols[15:])])
    assert set(whole) == set(FEATURES)
    assert size(again) == len(mols)
    for name, column in take(again, [3, 1]).items():
        np.testing.assert_array_equal(column, whole[name][[3, 1]])
