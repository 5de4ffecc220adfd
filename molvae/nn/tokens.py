"""Sequences of token ids, stored back to back, and batches of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molvae.chem.vocabulary import EOS_ID, PAD_ID, Vocabulary

POOL_BATCHES = 50


@dataclass(frozen=True)
class TokenStore:
    """The token ids of N molecules in one array.

    Attributes:
        token_ids: All molecules' ids one after the other, each with its end token, uint8 or uint16.
        offsets: Where each molecule begins, and where the last ends, int64 (N + 1,).
    """

    token_ids: NDArray[np.unsignedinteger]
    offsets: NDArray[np.int64]

    @classmethod
    def from_selfies(cls, selfies: Sequence[str], vocabulary: Vocabulary) -> "TokenStore":
        """Encode SELFIES strings.

        Raises:
            VocabularyError: If a token is unknown.
        """
        rows = [[*vocabulary.encode(each), EOS_ID] for each in selfies]
        offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        dtype: type[np.unsignedinteger] = np.uint8 if len(vocabulary) <= 256 else np.uint16
        flat: NDArray[np.unsignedinteger] = np.fromiter(
            (token for row in rows for token in row), dtype=dtype, count=int(offsets[-1])
        )
        return cls(flat, offsets)

    def __len__(self) -> int:
        """Return N."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each molecule with its end token, int64 (N,)."""
        return np.diff(self.offsets)

    def subset(self, rows: NDArray[np.int64]) -> "TokenStore":
        """Return some of the molecules, in the order given."""
        pieces = [self.token_ids[self.offsets[row] : self.offsets[row + 1]] for row in rows]
        return TokenStore(np.concatenate(pieces), np.cumsum([0, *self.lengths[rows]], dtype=np.int64))

    def joined(self, other: "TokenStore") -> "TokenStore":
        """Return these molecules and then those of another store of the same vocabulary."""
        offsets = np.concatenate([self.offsets, other.offsets[1:] + self.offsets[-1]])
        return TokenStore(np.concatenate([self.token_ids, other.token_ids]), offsets)

    def batch(self, rows: NDArray[np.int64], device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
        """Return some molecules as padded token ids, int64 (B, T), and their lengths, int64 (B,)."""
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        steps = np.arange(int(lengths.max()))
        real = steps < lengths[:, None]
        places = np.where(real, starts[:, None] + steps, 0)
        token_ids = np.where(real, self.token_ids[places], PAD_ID).astype(np.int64)
        return torch.from_numpy(token_ids).to(device), torch.from_numpy(lengths).to(device)


def length_bucketed(
    lengths: NDArray[np.int64], batch_size: int, generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Return one epoch's batches: every row once, rows of similar length together, in random order.

    Rows are shuffled, sorted by length within pools of 50 batches, cut into batches, and the batches and the rows
    within each are shuffled again.

    Args:
        lengths: Tokens of each row, int64 (N,).
        batch_size: Rows in a batch; the last may have fewer.
        generator: Source of the shuffles.
    """
    order = generator.permutation(len(lengths))
    pool = batch_size * POOL_BATCHES
    batches = []
    for begin in range(0, len(order), pool):
        rows = order[begin : begin + pool]
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        batches += [generator.permutation(rows[i : i + batch_size]) for i in range(0, len(rows), batch_size)]
    return [batches[i] for i in generator.permutation(len(batches))]


def by_length(lengths: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """Return batches for measuring: every row once, sorted by length, without chance."""
    order = np.argsort(lengths, kind="stable")
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
