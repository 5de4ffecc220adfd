"""What the benchmarks have done in several processes, which import no more than is here."""

import contextlib

import selfies

from molvae.vocabulary import Vocabulary


def decode_selfies(sequences: list[list[int]], vocabulary: Vocabulary) -> list[str]:
    return [selfies.decoder(vocabulary.decode(sequence)) for sequence in sequences]


def encode_only(smiles: list[str]) -> list[str]:
    encoded = []
    for each in smiles:
        # Some of the molecules that are made here have a valence that SELFIES refuses.
        with contextlib.suppress(selfies.EncoderError):
            encoded.append(selfies.encoder(each))
    return encoded
