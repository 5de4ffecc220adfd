"""Functions that the benchmarks run in worker processes, in a module with few imports."""

import contextlib

import selfies

from molvae.vocabulary import Vocabulary


def decode_selfies(sequences: list[list[int]], vocabulary: Vocabulary) -> list[str]:
    return [selfies.decoder(vocabulary.decode(sequence)) for sequence in sequences]


def encode_only(smiles: list[str]) -> list[str]:
    encoded = []
    for text in smiles:
        # Some of the derived molecules have a valence that SELFIES does not support.
        with contextlib.suppress(selfies.EncoderError):
            encoded.append(selfies.encoder(text))
    return encoded
