import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molvae.chem import fingerprints
from molvae.chem.fingerprints import (
    bit_counts,
    morgan_bits,
    nearest,
    nearest_within,
    paired_similarity,
    tanimoto_matrix,
)

# With 64 bits there are ties and empty rows.
packed_sets = st.integers(1, 12).flatmap(lambda n: arrays(np.uint8, (n, 8), elements=st.sampled_from([0, 1, 3, 128])))


def brute_force(a, b):
    bits_a, bits_b = (np.unpackbits(packed, axis=1, bitorder="little").astype(int) for packed in (a, b))
    common = bits_a @ bits_b.T
    union = bits_a.sum(1)[:, None] + bits_b.sum(1)[None, :] - common
    return np.where(union > 0, common / np.maximum(union, 1), 0.0).astype(np.float32)


@given(packed_sets, packed_sets)
def test_the_matrix_equals_brute_force(a, b):
    assert np.array_equal(tanimoto_matrix(a, b), brute_force(a, b))


@given(packed_sets)
def test_the_matrix_of_a_set_with_itself_is_symmetric_with_a_diagonal_of_ones(packed):
    matrix = tanimoto_matrix(packed, packed)
    assert np.array_equal(matrix, matrix.T)
    assert np.array_equal(np.diag(matrix), (bit_counts(packed) > 0).astype(np.float32))
    assert matrix.min() >= 0
    assert matrix.max() <= 1


@settings(max_examples=60)
@given(
    packed_sets, packed_sets, st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), st.sampled_from([0.0, 0.3, 1.0])
)
def test_nearest_equals_brute_force_for_every_size_of_block(query, reference, rows, columns, n_threads, most_left):
    expected = brute_force(query, reference)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprints, "QUERY_BLOCK", rows)
        patch.setattr(fingerprints, "REFERENCE_BLOCK", columns)
        patch.setattr(fingerprints, "MAX_LEFT", most_left)
        patch.setattr("torch.get_num_threads", lambda: n_threads)
        similarity, index = nearest(query, reference)
    assert np.array_equal(similarity, expected.max(axis=1))
    assert np.array_equal(index, expected.argmax(axis=1))
    assert similarity.dtype == np.float32
    assert index.dtype == np.int64


@settings(max_examples=60)
@given(packed_sets, st.integers(1, 5), st.integers(1, 5), st.integers(1, 3))
def test_nearest_within_a_set_leaves_out_the_fingerprint_itself(packed, rows, columns, n_threads):
    expected = brute_force(packed, packed)
    np.fill_diagonal(expected, 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprints, "QUERY_BLOCK", rows)
        patch.setattr(fingerprints, "REFERENCE_BLOCK", columns)
        patch.setattr("torch.get_num_threads", lambda: n_threads)
        assert np.array_equal(nearest_within(packed), expected.max(axis=1))


def test_a_molecule_that_occurs_twice_is_near_itself():
    assert nearest_within(morgan_bits(["CCO", "CCO", "CCN"]))[:2].tolist() == [1, 1]
    assert nearest_within(morgan_bits(["CCO"])).tolist() == [0]
    assert nearest_within(morgan_bits([])).tolist() == []


def test_nearest_is_exact_where_bfloat16_would_not_be():
    rng = np.random.default_rng(0)
    query = rng.integers(0, 256, (40, 256), dtype=np.uint8)
    reference = rng.integers(0, 256, (70, 256), dtype=np.uint8)
    assert bit_counts(query).min() > fingerprints.MAX_BITS_IN_BFLOAT16
    expected = brute_force(query, reference)
    similarity, index = nearest(query, reference)
    assert np.array_equal(similarity, expected.max(axis=1))
    assert np.array_equal(index, expected.argmax(axis=1))


def test_molecules_agree_with_rdkit_on_every_pair(smiles):
    few = smiles[:60]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    theirs = [generator.GetFingerprint(Chem.MolFromSmiles(molecule)) for molecule in few]
    expected = np.array([DataStructs.BulkTanimotoSimilarity(one, theirs) for one in theirs], dtype=np.float32)
    packed = morgan_bits(few)
    assert np.array_equal(tanimoto_matrix(packed, packed), expected)
    assert packed.shape == (60, 128)
    assert packed.dtype == np.uint8


def test_unpacked_bits_are_the_bits_of_rdkit():
    fingerprint = rdFingerprintGenerator.GetMorganGenerator(radius=3, fpSize=512).GetFingerprint(
        Chem.MolFromSmiles("CCO")
    )
    unpacked = np.unpackbits(morgan_bits(["CCO"], n_bits=512, radius=3), axis=1, bitorder="little")
    assert np.flatnonzero(unpacked[0]).tolist() == list(fingerprint.GetOnBits())


def test_every_molecule_is_nearest_to_itself(smiles):
    packed = morgan_bits(smiles)
    similarity, _ = nearest(packed, packed)
    assert np.array_equal(similarity, np.ones(len(smiles), dtype=np.float32))


def test_the_first_of_equal_references_is_given():
    packed = morgan_bits(["CCO", "CCN", "CCO", "CCO"])
    assert nearest(packed[[3]], packed)[1].tolist() == [0]


def test_paired_similarity_is_the_diagonal_of_the_matrix(smiles):
    a, b = morgan_bits(smiles[:50]), morgan_bits(smiles[50:100])
    assert np.array_equal(paired_similarity(a, b), np.diag(tanimoto_matrix(a, b)))


def test_a_string_that_is_no_molecule_is_like_nothing():
    packed = morgan_bits(["CCO", "x", ""])
    assert bit_counts(packed).tolist()[1:] == [0, 0]
    assert tanimoto_matrix(packed, packed)[1:].max() == 0


def test_no_queries_have_no_neighbours_and_no_references_are_an_error():
    packed = morgan_bits(["CCO"])
    similarity, index = nearest(packed[:0], packed)
    assert len(similarity) == len(index) == 0
    with pytest.raises(ValueError, match="at least one reference"):
        nearest(packed, packed[:0])


def test_no_molecules_have_no_fingerprints():
    assert morgan_bits([]).shape == (0, 128)
