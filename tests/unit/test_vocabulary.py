import json

import pytest
import selfies
from hypothesis import given
from hypothesis import strategies as st

from molvae.errors import VocabularyError
from molvae.vocabulary import BOS, EOS, EOS_ID, PAD, PAD_ID, Vocabulary, split_selfies

ALPHABET = sorted(selfies.get_semantic_robust_alphabet())
VOCABULARY = Vocabulary.from_selfies(ALPHABET)
strings = st.lists(st.sampled_from([*ALPHABET, "."]), max_size=30).map("".join)


@given(strings)
def test_split_agrees_with_the_library(text):
    assert split_selfies(text) == list(selfies.split_selfies(text))


@given(st.lists(st.sampled_from(ALPHABET), max_size=30).map("".join))
def test_decode_undoes_encode(text):
    assert VOCABULARY.decode(VOCABULARY.encode(text)) == text


def test_decode_stops_at_the_end_token_and_skips_padding():
    ids = VOCABULARY.encode("[C][O]")
    assert VOCABULARY.decode([PAD_ID, *ids, EOS_ID, *ids]) == "[C][O]"


def test_tokens_are_sorted_after_the_special_ones_whatever_the_order_of_the_molecules():
    forward = Vocabulary.from_selfies(["[C][N]", "[O]"])
    assert forward.tokens == (PAD, BOS, EOS, "[C]", "[N]", "[O]")
    assert forward == Vocabulary.from_selfies(["[O]", "[N][C]"])


def test_an_unknown_token_is_named():
    with pytest.raises(VocabularyError, match=r"\[Pt\]"):
        Vocabulary.from_selfies(["[C]"]).encode("[C][Pt]")


@pytest.mark.parametrize("tokens", [("[C]", PAD, BOS, EOS), (PAD, BOS, EOS, "[C]", "[C]")])
def test_a_malformed_vocabulary_is_refused(tokens, tmp_path):
    with pytest.raises(VocabularyError, match="expected a vocabulary"):
        Vocabulary(tokens)
    file = tmp_path / "vocabulary.json"
    file.write_text(json.dumps({"tokens": tokens}))
    with pytest.raises(VocabularyError, match=rf"^{file}: expected a vocabulary .*found .*; make the file again$"):
        Vocabulary.read(file)
