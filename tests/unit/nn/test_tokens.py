import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.errors import VocabularyError
from molvae.nn.tokens import TokenStore, by_length, growing_store, length_bucketed
from molvae.vocabulary import EOS_ID, PAD_ID

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=400).map(np.array)


@given(lengths=LENGTHS, batch_size=st.integers(1, 70), seed=st.integers(0, 5))
def test_an_epoch_has_every_molecule_once(lengths, batch_size, seed):
    batches = length_bucketed(lengths, batch_size, np.random.default_rng(seed))
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert max(map(len, batches)) <= batch_size


@given(lengths=LENGTHS, batch_size=st.integers(1, 70))
def test_measuring_batches_have_every_molecule_once(lengths, batch_size):
    assert sorted(np.concatenate(by_length(lengths, batch_size))) == list(range(len(lengths)))


def test_batches_have_molecules_of_similar_length():
    lengths = np.random.default_rng(0).integers(10, 60, size=5000)
    batches = length_bucketed(lengths, 100, np.random.default_rng(1))
    padding = sum((lengths[rows].max() - lengths[rows]).sum() for rows in batches)
    assert padding / lengths.sum() < 0.03


def test_a_batch_gives_back_what_was_stored(store, vocabulary, smiles):
    from molvae.chem.selfies_codec import smiles_to_selfies

    token_ids, lengths = store.batch(np.array([4, 2]))
    for row, place in enumerate((4, 2)):
        tokens = token_ids[row, : lengths[row]].tolist()
        assert tokens[-1] == EOS_ID
        assert vocabulary.decode(tokens) == smiles_to_selfies(smiles[place])
        assert (token_ids[row, lengths[row] :] == PAD_ID).all()


def test_subsets_and_joins_keep_the_molecules(store):
    joined = store.subset(np.array([3, 1])).joined(store.subset(np.array([0])))
    for row, place in enumerate((3, 1, 0)):
        assert joined.batch(np.array([row]))[0].tolist() == store.batch(np.array([place]))[0].tolist()


def test_a_subset_of_no_rows_is_an_empty_store_of_the_same_type(store):
    empty = store.subset(np.empty(0, dtype=np.int64))
    assert len(empty) == 0
    assert empty.token_ids.dtype == store.token_ids.dtype
    assert len(empty.joined(store)) == len(store)


def test_an_unknown_token_is_refused(vocabulary):
    with pytest.raises(VocabularyError, match=r"\[Xx\]"):
        TokenStore.from_strings(["[C][Xx]"], vocabulary)


def test_a_store_written_in_pieces_is_the_store_of_all(vocabulary, store, smiles, tmp_path):
    from molvae.chem.selfies_codec import smiles_to_selfies

    with growing_store(tmp_path / "store", vocabulary) as append:
        for begin in range(0, 300, 70):
            selfies = [smiles_to_selfies(molecule) for molecule in smiles[begin : begin + 70]]
            append(TokenStore.from_strings(selfies, vocabulary))
            append(TokenStore.from_strings([], vocabulary))
    mapped = TokenStore.open(tmp_path / "store")
    np.testing.assert_array_equal(mapped.token_ids, store.token_ids)
    np.testing.assert_array_equal(mapped.offsets, store.offsets)
    rows = np.array([299, 5])
    assert mapped.batch(rows)[0].tolist() == store.batch(rows)[0].tolist()
