"""Sequences of token ids, stored back to back, and batches of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molvae.files import growing_array
from molvae.vocabulary import EOS_ID, PAD_ID, Vocabulary

POOL_BATCHES = 50
STORE_FILES = ("token_ids.npy", "offsets.npy")
"""What `growing_store` writes."""


@dataclass(frozen=True)
class TokenStore:
    """N sequences of token ids in one array, in memory or memory-mapped.

    Attributes:
        token_ids: The ids of all sequences one after the other, each with its end token, uint8 or uint16.
        offsets: Where each sequence begins, and where the last ends, int64 (N + 1,).
    """

    token_ids: NDArray[np.unsignedinteger]
    offsets: NDArray[np.int64]

    @classmethod
    def from_strings(cls, strings: Sequence[str], vocabulary: Vocabulary) -> "TokenStore":
        """Encode strings of tokens.

        Raises:
            VocabularyError: If a token is unknown.
        """
        rows = [[*vocabulary.encode(string), EOS_ID] for string in strings]
        offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        flat: NDArray[np.unsignedinteger] = np.fromiter(
            chain.from_iterable(rows), dtype=_dtype(vocabulary), count=int(offsets[-1])
        )
        return cls(flat, offsets)

    @classmethod
    def open(cls, folder: Path) -> "TokenStore":
        """Memory-map what `growing_store` wrote."""
        token_ids, offsets = (np.asarray(np.load(folder / name, mmap_mode="r")) for name in STORE_FILES)
        return cls(token_ids, offsets)

    def __len__(self) -> int:
        """Return N."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of tokens of each sequence with its end token, int64 (N,)."""
        return np.diff(self.offsets)

    def subset(self, rows: NDArray[np.int64]) -> "TokenStore":
        """Return some of the sequences, in the order of `rows`, int64 (N,); none of them for no rows."""
        # An empty piece, which says the type where there is no other.
        pieces = [self.token_ids[:0], *(self.token_ids[self.offsets[row] : self.offsets[row + 1]] for row in rows)]
        return TokenStore(np.concatenate(pieces), np.cumsum([0, *self.lengths[rows]], dtype=np.int64))

    def sequences(self) -> Iterator[NDArray[np.unsignedinteger]]:
        """Yield the sequences, each with its end token."""
        return (self.token_ids[start:end] for start, end in pairwise(self.offsets.tolist()))

    def joined(self, other: "TokenStore") -> "TokenStore":
        """Return these sequences followed by those of another store of the same vocabulary."""
        offsets = np.concatenate([self.offsets, other.offsets[1:] + self.offsets[-1]])
        return TokenStore(np.concatenate([self.token_ids, other.token_ids]), offsets)

    def batch(self, rows: NDArray[np.integer], device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
        """Return some sequences as padded token ids, int64 (B, T), and their lengths, int64 (B,)."""
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        steps = np.arange(int(lengths.max()))
        is_token = steps < lengths[:, None]
        positions = np.where(is_token, starts[:, None] + steps, 0)
        token_ids = np.where(is_token, self.token_ids[positions], PAD_ID).astype(np.int64)
        return torch.from_numpy(token_ids).to(device), torch.from_numpy(lengths).to(device)


@contextmanager
def growing_store(folder: Path, vocabulary: Vocabulary) -> Iterator[Callable[[TokenStore], None]]:
    """Write a store that is larger than memory to a folder; `TokenStore.open` maps it.

    Yields:
        A function that appends the sequences of another store.
    """
    folder.mkdir(parents=True)
    tokens_file, offsets_file = (folder / name for name in STORE_FILES)
    with (
        growing_array(tokens_file, _dtype(vocabulary)) as add_tokens,
        growing_array(offsets_file, np.int64) as add_offsets,
    ):
        n_tokens = 0
        add_offsets(np.zeros(1, dtype=np.int64))

        def append(store: TokenStore) -> None:
            nonlocal n_tokens
            add_tokens(store.token_ids)
            add_offsets(store.offsets[1:] + n_tokens)
            n_tokens += int(store.offsets[-1])

        yield append


def _dtype(vocabulary: Vocabulary) -> type[np.unsignedinteger]:
    return np.uint8 if len(vocabulary) <= 256 else np.uint16


def length_bucketed(
    lengths: NDArray[np.int64], batch_size: int, generator: np.random.Generator
) -> list[NDArray[np.unsignedinteger]]:
    """Return one epoch's batches: every row once, rows of similar length together, in random order.

    Rows are shuffled, sorted by length within pools of 50 batches and cut into batches; then the batches, and the rows
    within each, are shuffled again.

    Args:
        lengths: Tokens of each row, int64 (N,).
        batch_size: Rows in a batch; the last may have fewer.
        generator: Random number generator.
    """
    # The batches are views of one small array, because N may be a billion.
    order = np.arange(len(lengths), dtype=np.uint32 if len(lengths) < 2**32 else np.uint64)
    generator.shuffle(order)
    pool = batch_size * POOL_BATCHES
    batches = []
    for begin in range(0, len(order), pool):
        rows = order[begin : begin + pool]
        rows[:] = rows[np.argsort(lengths[rows], kind="stable")]
        for first in range(0, len(rows), batch_size):
            batch = rows[first : first + batch_size]
            generator.shuffle(batch)
            batches.append(batch)
    return [batches[i] for i in generator.permutation(len(batches))]


def by_length(lengths: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """Return batches of rows, int64 (B,) each, for evaluation: each of the (N,) lengths once, in ascending order."""
    order = np.argsort(lengths, kind="stable")
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
