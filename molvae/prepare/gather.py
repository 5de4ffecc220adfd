"""Decide which of the converted rows are kept, and in which split, in passes that hold one block at a time."""

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
    MIN_HELD_OUT,
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
    """Whether a row is kept, and if not, at which step it was rejected."""

    REFUSED = 0
    KEPT = 1
    DUPLICATE = 2
    RARE_TOKEN = 3


@dataclass
class RejectCounts:
    """Counts over the rows of one source, before they are compared with one another.

    Attributes:
        files: The files, in order.
        n_rows: Number of rows in them.
        n_added: Number of rows added for stereoisomers.
        reasons: Number of rejected rows by reason.
        steps: Number of molecules changed by each step of standardisation.
        examples: The first few rows for each reason: line, input and detail.
    """

    files: list[str] = field(default_factory=list)
    n_rows: int = 0
    n_added: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    examples: dict[Reason, list[tuple[int, str, str]]] = field(default_factory=dict)

    def add(self, table: pa.Table) -> None:
        """Count the rows of a block."""
        n_added = int(np.count_nonzero(table["isomer"].to_numpy() > 1))
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


def count_rejects(blocks: Blocks, source: str) -> RejectCounts:
    """Count the rows of a source by the outcome of their conversion."""
    counts = RejectCounts()
    for _, table in blocks.read(["source", "line", "isomer", "input", "reason", "detail", "steps"], only=source):
        counts.add(table)
    return counts


class Library:
    """All rows with their status and split; a few bytes a row are held in memory, and one block.

    Attributes:
        blocks: The rows.
        status: `RowStatus` of each row, uint8 (n_rows,).
        splits: Index into `SPLITS` of each kept row, uint8 (n_rows,).
        duplicates: The rows that repeat an earlier molecule.
    """

    def __init__(self, blocks: Blocks, duplicates: Duplicates) -> None:
        """Keep the accepted rows that repeat no earlier molecule."""
        self.blocks = blocks
        self.duplicates = duplicates
        self.status: NDArray[np.uint8] = np.zeros(blocks.n_rows, dtype=np.uint8)
        self.splits: NDArray[np.uint8] = np.zeros(blocks.n_rows, dtype=np.uint8)
        for rows, table in blocks.read(["smiles"]):
            self.status[rows][table["smiles"].is_valid().to_numpy()] = RowStatus.KEPT
        self.status[duplicates.mask] = RowStatus.DUPLICATE
        self._is_test_file = blocks.sources()

    def n_kept(self, *, test_file: bool) -> int:
        """Return the number of kept molecules of the test file, or of the input."""
        return int(np.count_nonzero((self.status == RowStatus.KEPT) & (self._is_test_file == test_file)))

    def split_sizes(self) -> dict[str, int]:
        """Return the number of kept molecules in each split."""
        counts = np.bincount(self.splits[self.status == RowStatus.KEPT], minlength=len(SPLITS))
        return {split: int(n) for split, n in zip(SPLITS, counts, strict=True)}

    def drop_rare_tokens(self, min_molecules: int) -> dict[str, int]:
        """Reject the molecules with a token that occurs in fewer than `min_molecules` molecules.

        Returns:
            Of each remaining token, the number of molecules in which it occurs.
        """
        n_molecules: Counter[str] = Counter()
        for _, token_sets in self._kept("token_set"):
            for text, n in _counts(token_sets).items():
                n_molecules.update(dict.fromkeys(split_selfies(text), n))
        rare = {token for token, n in n_molecules.items() if n < min_molecules}
        if rare:
            self._reject(lambda tokens: not rare.isdisjoint(tokens))
        return {token: n for token, n in n_molecules.items() if token not in rare}

    def split(self, config: PrepareConfig, seed: int, n_of_tokens: Mapping[str, int]) -> list[str]:
        """Assign every kept molecule to a split.

        Args:
            config: The settings.
            seed: The run's seed.
            n_of_tokens: Of each token, the number of molecules in which it occurs. One that has a token alone must be
                in the training split.

        Returns:
            The splits that must not be empty.
        """
        has_test_file = bool(self._is_test_file.any())
        fractions = config.validation_fraction, 0.0 if has_test_file else config.test_fraction
        if config.split == "column":
            for rows, table in self.blocks.read(["hint"]):
                # A hint is one more than an index into SPLITS, and 0 only for rows that are not kept.
                self.splits[rows] = np.maximum(table["hint"].to_numpy(), 1) - 1
            required = list(SPLITS)
        else:
            column = "scaffold" if config.split == "scaffold" else "key"
            n_molecules = self.n_kept(test_file=False)
            is_small = column == "key" and fractions[1] > 0 and round(n_molecules * fractions[1]) < MIN_HELD_OUT
            # Of so few molecules, the two that are held out may be all that have a token.
            n_needed = MIN_HELD_OUT if is_small else 1
            needed_tokens = frozenset(token for token, n in n_of_tokens.items() if n <= n_needed)
            self._assign(column, fractions, derive_seed(seed, "split"), needed_tokens)
            held_out = zip((VALIDATION, TEST), fractions, strict=True)
            required = [TRAIN, *(split for split, fraction in held_out if fraction > 0)]
        self.splits[self._is_test_file] = SPLITS.index(TEST)
        return required

    def _assign(self, column: str, fractions: tuple[float, float], seed: int, needed_tokens: frozenset[str]) -> None:
        def inputs() -> Iterator[tuple[NDArray[np.int64], Keys, NDArray[np.bool_]]]:
            for rows, table in self.blocks.read([column, "token_set"], only="input"):
                kept = np.flatnonzero(self.status[rows] == RowStatus.KEPT)
                keys = keyed(table[column].to_numpy()[kept], seed)
                needed = _rows_with(table["token_set"], lambda tokens: not needed_tokens.isdisjoint(tokens))[kept]
                yield kept + rows.start, keys, needed

        def stream() -> Iterator[tuple[Keys, NDArray[np.bool_]]]:
            for _, keys, needed in inputs():
                yield keys, needed

        split_method = split_by_scaffold if column == "scaffold" else split_randomly
        assign: Assignment = split_method(stream, self.n_kept(test_file=False), *fractions)
        for numbers, keys, needed in inputs():
            self.splits[numbers] = assign(keys, needed)

    def learn_vocabulary(self) -> Vocabulary:
        """Return the tokens of the training molecules, and reject held-out molecules that have others."""
        texts: set[str] = set()
        for rows, token_sets in self._kept("token_set"):
            train = self.splits[rows][self.status[rows] == RowStatus.KEPT] == SPLITS.index(TRAIN)
            texts.update(pc.unique(token_sets.filter(pa.array(train))).to_pylist())
        vocabulary = Vocabulary.from_selfies(texts)
        known = frozenset(vocabulary.tokens)
        self._reject(lambda tokens: not known.issuperset(tokens))
        return vocabulary

    def _kept(self, column: str) -> Iterator[tuple[slice, pa.ChunkedArray]]:
        for rows, table in self.blocks.read([column]):
            yield rows, table[column].filter(pa.array(self.status[rows] == RowStatus.KEPT))

    def _reject(self, is_rare: _TokenTest) -> None:
        for rows, table in self.blocks.read(["token_set"]):
            status = self.status[rows]
            status[_rows_with(table["token_set"], is_rare) & (status == RowStatus.KEPT)] = RowStatus.RARE_TOKEN


def _rows_with(token_sets: pa.ChunkedArray, test: _TokenTest) -> NDArray[np.bool_]:
    """Return for each row whether its tokens pass a test, which is evaluated once for equal sets of tokens."""
    encoded = token_sets.combine_chunks().dictionary_encode()
    passed = np.array([test(split_selfies(text)) for text in encoded.dictionary.to_pylist()] + [False], dtype=bool)
    # The last one is for rows without tokens.
    index = encoded.indices.fill_null(len(passed) - 1).to_numpy(zero_copy_only=False)
    result: NDArray[np.bool_] = passed[index]
    return result


def _counts(column: pa.ChunkedArray) -> Mapping[str, int]:
    counts = column.drop_null().value_counts()
    return dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True))
