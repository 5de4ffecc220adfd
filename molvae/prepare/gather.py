"""From the blocks of converted rows to what stands in the output, in passes that hold one block at a time."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from molvae.config import PrepareConfig
from molvae.prepare.blocks import Blocks
from molvae.prepare.convert import Reason
from molvae.prepare.duplicates import Duplicates
from molvae.prepare.split import (
    SPLITS,
    TEST,
    TRAIN,
    VALIDATION,
    Assignment,
    Keys,
    keyed,
    split_by_scaffold,
    split_randomly,
)
from molvae.seeding import derive_seed
from molvae.vocabulary import Vocabulary, split_selfies

N_EXAMPLES = 3

_TokenTest = Callable[[list[str]], bool]


class RowStatus(IntEnum):
    """What becomes of a row."""

    REFUSED = 0
    KEPT = 1
    DUPLICATE = 2
    RARE_TOKEN = 3


@dataclass
class RejectCounts:
    """What the rows of one source became on their own.

    Attributes:
        files: The files, in order.
        n_rows: How many rows they have.
        n_added: How many rows were added to them, for stereoisomers.
        reasons: How many were refused for each reason.
        steps: How many molecules each step of standardisation changed.
        examples: The first few rows of each reason: line, input and detail.
    """

    files: list[str] = field(default_factory=list)
    n_rows: int = 0
    n_added: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    examples: dict[Reason, list[tuple[int, str, str]]] = field(default_factory=dict)

    def add(self, table: pa.Table) -> None:
        """Count the rows of a block."""
        n_added = pc.sum(table["is_added"], min_count=0).as_py()
        self.n_added += n_added
        self.n_rows += len(table) - n_added
        self.files += [file for file in table["source"].unique().to_pylist() if file not in self.files]
        for text, n in _counts(table["steps"]).items():
            self.steps.update(dict.fromkeys(text.split(), n))
        for value, n in _counts(table["reason"]).items():
            reason = Reason(value)
            self.reasons[reason] += n
            examples = self.examples.setdefault(reason, [])
            if len(examples) < N_EXAMPLES:
                rows = table.filter(pc.equal(table["reason"], value)).slice(0, N_EXAMPLES - len(examples))
                examples += zip(*(rows[name].to_pylist() for name in ("line", "input", "detail")), strict=True)


def tally(blocks: Blocks, source: str) -> RejectCounts:
    """Count what the rows of a source became."""
    found = RejectCounts()
    for _, table in blocks.read(["source", "line", "is_added", "input", "reason", "detail", "steps"], only=source):
        found.add(table)
    return found


class Library:
    """All rows, and what becomes of each: a few bytes a row are held in memory, and one block.

    Attributes:
        blocks: The rows.
        fates: `RowStatus` of each row, uint8 (n_rows,).
        splits: Position of its split in `SPLITS`, of a kept row, uint8 (n_rows,).
        duplicates: The rows that repeat a molecule.
    """

    def __init__(self, blocks: Blocks, duplicates: Duplicates) -> None:
        """Keep each molecule that was accepted and did not come before."""
        self.blocks = blocks
        self.duplicates = duplicates
        self.fates: NDArray[np.uint8] = np.zeros(blocks.n_rows, dtype=np.uint8)
        self.splits: NDArray[np.uint8] = np.zeros(blocks.n_rows, dtype=np.uint8)
        for rows, table in blocks.read(["smiles"]):
            self.fates[rows][table["smiles"].is_valid().to_numpy()] = RowStatus.KEPT
        self.fates[duplicates.mask] = RowStatus.DUPLICATE
        self._is_test_file = blocks.sources()

    def n_kept(self, *, test_file: bool) -> int:
        """Return how many molecules of the test file, or of the input, are kept."""
        return int(np.count_nonzero((self.fates == RowStatus.KEPT) & (self._is_test_file == test_file)))

    def in_splits(self) -> dict[str, int]:
        """Return how many molecules are kept in each split."""
        counts = np.bincount(self.splits[self.fates == RowStatus.KEPT], minlength=len(SPLITS))
        return {split: int(n) for split, n in zip(SPLITS, counts, strict=True)}

    def drop_rare_tokens(self, fewest: int) -> frozenset[str]:
        """Reject the molecules that have a token which fewer than `fewest` of all have.

        Returns:
            The tokens that only one molecule has, of those that stay.
        """
        n_molecules: Counter[str] = Counter()
        for _, kinds in self._kept("kinds"):
            for text, n in _counts(kinds).items():
                n_molecules.update(dict.fromkeys(split_selfies(text), n))
        rare = {token for token, n in n_molecules.items() if n < fewest}
        if rare:
            self._reject(lambda tokens: not rare.isdisjoint(tokens))
        return frozenset(token for token, n in n_molecules.items() if n == 1 and token not in rare)

    def split(self, config: PrepareConfig, seed: int, unique_tokens: frozenset[str]) -> list[str]:
        """Give every kept molecule its split.

        Args:
            config: The settings.
            seed: The run's seed.
            unique_tokens: Tokens whose only molecules are to be trained on.

        Returns:
            The splits that must have molecules.
        """
        has_test_file = bool(self._is_test_file.any())
        fractions = config.validation_fraction, 0.0 if has_test_file else config.test_fraction
        if config.split == "column":
            for rows, table in self.blocks.read(["hint"]):
                # A hint is a position and one, and of no use where the row is not kept.
                self.splits[rows] = np.maximum(table["hint"].to_numpy(), 1) - 1
            asked = list(SPLITS)
        else:
            column = "scaffold" if config.split == "scaffold" else "key"
            self._assign(column, fractions, derive_seed(seed, "split"), unique_tokens)
            asked = [TRAIN, *(split for split, share in zip((VALIDATION, TEST), fractions, strict=True) if share > 0)]
        self.splits[self._is_test_file] = SPLITS.index(TEST)
        return asked

    def _assign(self, column: str, fractions: tuple[float, float], seed: int, unique_tokens: frozenset[str]) -> None:
        def inputs() -> Iterator[tuple[NDArray[np.int64], Keys, NDArray[np.bool_]]]:
            for rows, table in self.blocks.read([column, "kinds"], only="input"):
                kept = np.flatnonzero(self.fates[rows] == RowStatus.KEPT)
                keys = keyed(table[column].to_numpy()[kept], seed)
                needed = _having(table["kinds"], lambda tokens: not unique_tokens.isdisjoint(tokens))[kept]
                yield kept + rows.start, keys, needed

        def stream() -> Iterator[tuple[Keys, NDArray[np.bool_]]]:
            for _, keys, needed in inputs():
                yield keys, needed

        decide = split_by_scaffold if column == "scaffold" else split_randomly
        assign: Assignment = decide(stream, self.n_kept(test_file=False), *fractions)
        for numbers, keys, needed in inputs():
            self.splits[numbers] = assign(keys, needed)

    def learn_vocabulary(self) -> Vocabulary:
        """Return the tokens of the training molecules, and reject the molecules held out that have others."""
        texts: set[str] = set()
        for rows, kinds in self._kept("kinds"):
            train = self.splits[rows][self.fates[rows] == RowStatus.KEPT] == SPLITS.index(TRAIN)
            texts.update(pc.unique(kinds.filter(pa.array(train))).to_pylist())
        vocabulary = Vocabulary.from_selfies(texts)
        known = frozenset(vocabulary.tokens)
        self._reject(lambda tokens: not known.issuperset(tokens))
        return vocabulary

    def _kept(self, column: str) -> Iterator[tuple[slice, pa.ChunkedArray]]:
        for rows, table in self.blocks.read([column]):
            yield rows, table[column].filter(pa.array(self.fates[rows] == RowStatus.KEPT))

    def _reject(self, is_rare: _TokenTest) -> None:
        for rows, table in self.blocks.read(["kinds"]):
            fates = self.fates[rows]
            fates[_having(table["kinds"], is_rare) & (fates == RowStatus.KEPT)] = RowStatus.RARE_TOKEN


def _having(kinds: pa.ChunkedArray, test: _TokenTest) -> NDArray[np.bool_]:
    """Say of each row whether the kinds of its tokens pass a test, which is made once for equal ones."""
    encoded = kinds.combine_chunks().dictionary_encode()
    passed = np.array([test(split_selfies(text)) for text in encoded.dictionary.to_pylist()] + [False], dtype=bool)
    # The last one is for rows without tokens.
    found: NDArray[np.bool_] = passed[encoded.indices.fill_null(len(passed) - 1).to_numpy(zero_copy_only=False)]
    return found


def _counts(column: pa.ChunkedArray) -> Mapping[str, int]:
    counted = column.drop_null().value_counts()
    return dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
