"""Morgan fingerprints (ECFP) as packed bits, and exact nearest neighbours by Tanimoto similarity.

References:
    Rogers and Hahn, Extended-connectivity fingerprints, Journal of Chemical Information and Modeling 2010,
    doi:10.1021/ci100050t.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet
from molvae.parallel import map_chunks

if TYPE_CHECKING:
    import torch

PackedBits = NDArray[np.uint8]

# A block of the similarity matrix fits into the cache: the fastest of the sizes tried on a CPU.
QUERY_BLOCK = 1024
REFERENCE_BLOCK = 2048
FOLDED_BITS = 256
# The fraction of remaining pairs above which comparing all pairs is faster.
MAX_LEFT = 0.02
# Takes off more than a number loses when it is rounded to bfloat16.
_ROUNDED_DOWN = np.float32(1.0 - 2.0**-7)
# Whole numbers up to this one are exact in bfloat16.
MAX_BITS_IN_BFLOAT16 = 256


@cache
def _generator(n_bits: int, radius: int) -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=n_bits)


def pack_morgan(mol: Chem.Mol, n_bits: int = 1024, radius: int = 2) -> bytes:
    """Return the binary Morgan fingerprint of one molecule as `n_bits // 8` bytes, lowest bit first."""
    packed: bytes = DataStructs.BitVectToBinaryText(_generator(n_bits, radius).GetFingerprint(mol))
    return packed


def stack_packed(rows: Sequence[bytes], n_bits: int = 1024) -> PackedBits:
    """Stack fingerprints from `pack_morgan`, uint8 (N, n_bits // 8)."""
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), n_bits // 8)


def _pack_all(smiles: Sequence[str], n_bits: int, radius: int) -> PackedBits:
    empty = bytes(n_bits // 8)
    with quiet():
        rows = [empty if mol is None else pack_morgan(mol, n_bits, radius) for mol in map(parse, smiles)]
    return stack_packed(rows, n_bits)


def morgan_bits(smiles: Sequence[str], n_bits: int = 1024, radius: int = 2, n_jobs: int = 1) -> PackedBits:
    """Return binary Morgan fingerprints (ECFP4 at radius 2) of many molecules.

    Args:
        smiles: N SMILES. An invalid SMILES has no bit set: its similarity to everything is 0.
        n_bits: Length of a fingerprint, a multiple of 64.
        radius: Largest distance in bonds from an atom.
        n_jobs: Processes to use for large N.

    Returns:
        Packed bits, uint8 (N, n_bits // 8); `numpy.unpackbits(..., axis=1, bitorder="little")` unpacks them.
    """
    parts = map_chunks(partial(_pack_all, n_bits=n_bits, radius=radius), smiles, n_jobs)
    return np.concatenate([np.empty((0, n_bits // 8), np.uint8), *parts])


def paired_similarity(a: PackedBits, b: PackedBits) -> NDArray[np.float32]:
    """Return the Tanimoto similarity of each fingerprint of `a` to the one of `b` in the same row, float32 (N,).

    If `b` has only one row, that is compared with all.
    """
    common = bit_counts(a & b)
    similarity: NDArray[np.float32] = common / np.maximum(bit_counts(a) + bit_counts(b) - common, np.float32(1.0))
    return similarity


def similarities_to(reference: str, smiles: Sequence[str]) -> NDArray[np.float32]:
    """Return the Tanimoto similarity (ECFP4, 2,048 bits) of N SMILES to one, float32 (N,), NaN for an empty SMILES."""
    similarity = paired_similarity(morgan_bits(smiles, 2048), morgan_bits([reference], 2048)).round(4)
    similarity[[not text for text in smiles]] = np.nan
    return similarity


def bit_counts(packed: PackedBits) -> NDArray[np.float32]:
    """Return the number of bits that are set in each row, float32 (N,)."""
    counts: NDArray[np.float32] = np.bitwise_count(packed).sum(axis=1, dtype=np.float32)
    return counts


def tanimoto_matrix(a: PackedBits, b: PackedBits) -> NDArray[np.float32]:
    """Return the Tanimoto similarity of every fingerprint of `a` to every one of `b`.

    Args:
        a: Packed bits, uint8 (N, n_bits // 8).
        b: Packed bits, uint8 (M, n_bits // 8).

    Returns:
        Similarities from 0 to 1, float32 (N, M); those of an empty fingerprint are 0.
    """
    counts_a, counts_b = bit_counts(a), bit_counts(b)
    dtype = exact_dtype(counts_a, counts_b)
    common: NDArray[np.float32] = (unpack_bits(a, dtype) @ unpack_bits(b, dtype).T).float().numpy()
    union = counts_a[:, None] + counts_b[None, :] - common
    similarity: NDArray[np.float32] = common / np.maximum(union, np.float32(1.0))
    return similarity


def nearest(query: PackedBits, reference: PackedBits) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the most similar reference of every query; exact, without a matrix of all pairs in memory.

    Args:
        query: Packed bits, uint8 (N, n_bits // 8).
        reference: Packed bits, uint8 (M, n_bits // 8), M at least 1.

    Returns:
        The Tanimoto similarities, float32 (N,), and the rows of the references, int64 (N,): the first on ties.

    Raises:
        ValueError: If there is no reference.
    """
    if not len(reference):
        raise ValueError("nearest: expected at least one reference fingerprint, found none")
    index = _most_similar(query, reference)
    return paired_similarity(query, reference[index]), index


def nearest_within(packed: PackedBits) -> NDArray[np.float32]:
    """Return the similarity of every fingerprint to the most similar of the others in the same set.

    Args:
        packed: Packed bits, uint8 (N, n_bits // 8). One that occurs twice is similar to itself.

    Returns:
        Tanimoto similarities, float32 (N,); 0 where there is no other.
    """
    if len(packed) < 2:
        return np.zeros(len(packed), dtype=np.float32)
    return paired_similarity(packed, packed[_most_similar(packed, packed, own=0)])


def _most_similar(query: PackedBits, reference: PackedBits, own: int | None = None) -> NDArray[np.int64]:
    """Return the row of the most similar reference of every query.

    Where the queries are the references from row `own` on, a query is not compared with itself.
    """
    import torch

    n_threads = torch.get_num_threads()
    if n_threads == 1 or len(query) < 2 * QUERY_BLOCK:
        return _search(query, reference, own)
    # Faster than all threads sharing each product.
    size = -(-len(query) // n_threads)
    starts = range(0, len(query), size)
    with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        parts = pool.map(
            lambda start: _search(query[start : start + size], reference, None if own is None else own + start), starts
        )
        return np.concatenate(list(parts))


def _search(query: PackedBits, reference: PackedBits, own: int | None) -> NDArray[np.int64]:
    search = _Search(query, own)
    for first in range(0, len(reference), REFERENCE_BLOCK):
        block = _Block(reference[first : first + REFERENCE_BLOCK], first)
        for start in range(0, len(query), QUERY_BLOCK):
            rows = slice(start, min(start + QUERY_BLOCK, len(query)))
            # Before the first comparison, nothing can be ruled out.
            if first == 0 or not search.screen(rows, block):
                search.compare_all(rows, block)
    return search.index


class _Block:
    """A block of references: first row, packed bits, bit counts, and the matrices for products."""

    def __init__(self, packed: PackedBits, first: int) -> None:
        self.packed, self.first = packed, first
        self.counts = bit_counts(packed)

    @cached_property
    def bits(self) -> "torch.Tensor":
        return unpack_bits(self.packed, exact_dtype(self.counts)).T

    @cached_property
    def folded(self) -> "torch.Tensor":
        import torch

        folded = _fold(self.packed)
        counts = torch.from_numpy(self.counts)[:, None]
        return torch.cat([folded, counts, torch.ones_like(counts)], dim=1).to(exact_dtype(self.counts)).T


class _Search:
    """The nearest references so far, by common / (a + b), which orders pairs as the Tanimoto similarity does.

    Most pairs need not be compared in full. The product of two fingerprints folded to 256 counts is an upper bound of
    the number of their common bits, at a quarter of the work. A pair whose bound is no better than the nearest
    reference so far is ruled out.

    Attributes:
        index: Row of the most similar reference of every query, the first on ties, int64 (N,).
    """

    def __init__(self, query: PackedBits, own: int | None) -> None:
        import torch

        self._query, self._own = query, own
        self._counts = bit_counts(query)
        self._dtype = exact_dtype(self._counts)
        self._folded = torch.cat([_fold(query), torch.zeros(len(query), 2)], dim=1).to(self._dtype)
        self._highest = np.full(len(query), -1.0, dtype=np.float32)
        self.index: NDArray[np.int64] = np.zeros(len(query), dtype=np.int64)

    def compare_all(self, rows: slice, block: _Block) -> None:
        """Compare every pair of a block in full."""
        dtype = exact_dtype(self._counts[rows], block.counts)
        common = (unpack_bits(self._query[rows], dtype) @ block.bits.to(dtype)).float()
        # Two different quotients of whole numbers this small are different in float32 too.
        quotients = common.div_(_sums(self._counts[rows], block.counts))
        if self._own is not None:
            # Its row in the block, where it is in the block.
            quotients.diagonal(self._own + rows.start - block.first).fill_(-1.0)
        highest, best = (tensor.numpy() for tensor in quotients.max(dim=1))
        better = np.flatnonzero(highest > self._highest[rows])
        self._highest[rows.start + better] = highest[better]
        self.index[rows.start + better] = best[better] + block.first

    def screen(self, rows: slice, block: _Block) -> bool:
        """Compare the pairs of a block that cannot be ruled out; return False if they are too many."""
        import torch

        # Rounded down, so that no pair is ruled out by rounding.
        lowest = torch.from_numpy(self._highest[rows] * _ROUNDED_DOWN)
        folded = self._folded[rows]
        folded[:, -2] = -lowest.to(self._dtype)
        folded[:, -1] = -(lowest * torch.from_numpy(self._counts[rows])).to(self._dtype)
        references = block.folded.to(self._dtype)
        gain = folded @ references
        # The bits of a positive number are a positive whole number, and largest elements of those are found faster.
        some = gain.view(torch.int16 if gain.itemsize == 2 else torch.int32).amax(dim=1).gt(0).nonzero()[:, 0]
        at, columns = gain[some].gt(0).nonzero(as_tuple=True)
        if len(at) > MAX_LEFT * len(folded) * len(block.counts):
            return False
        query, reference = some[at].numpy() + rows.start, columns.numpy()
        if self._own is not None:
            others = self._own + query != reference + block.first
            query, reference = query[others], reference[others]
        common = bit_counts(self._query[query] & block.packed[reference])
        quotients = common / np.maximum(self._counts[query] + block.counts[reference], np.float32(1.0))
        # The best of each query first, and of equal ones the first.
        order = np.lexsort((reference, -quotients, query))
        query, reference, quotients = query[order], reference[order], quotients[order]
        best = np.flatnonzero(np.diff(query, prepend=-1))
        best = best[quotients[best] > self._highest[query[best]]]
        self._highest[query[best]] = quotients[best]
        self.index[query[best]] = reference[best] + block.first
        return True


def _fold(packed: PackedBits) -> "torch.Tensor":
    """Count the bits whose positions are equal modulo 256, float32 (N, 256)."""
    import torch

    bits = np.unpackbits(packed, axis=1, bitorder="little")
    if bits.shape[1] % FOLDED_BITS:
        bits = np.pad(bits, ((0, 0), (0, -bits.shape[1] % FOLDED_BITS)))
    return torch.from_numpy(
        bits.reshape(len(bits), bits.shape[1] // FOLDED_BITS, FOLDED_BITS).sum(axis=1, dtype=np.float32)
    )


def _sums(a: NDArray[np.float32], b: NDArray[np.float32]) -> "torch.Tensor":
    """Return all sums of two counts, at least 1, float32 (N, M)."""
    import torch

    return torch.from_numpy(a)[:, None] + torch.from_numpy(np.maximum(b, 1.0))[None, :]


def unpack_bits(packed: PackedBits, dtype: "torch.dtype") -> "torch.Tensor":
    """Return packed bits as a matrix of zeros and ones, (N, n_bits)."""
    import torch

    return torch.from_numpy(np.unpackbits(packed, axis=1, bitorder="little")).to(dtype)


def exact_dtype(*counts: NDArray[np.float32]) -> "torch.dtype":
    """Return the fastest dtype on this machine in which products of bits are exact."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    fast = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    max_count = max((array.max(initial=0.0) for array in counts), default=0.0)
    return torch.bfloat16 if fast and max_count <= MAX_BITS_IN_BFLOAT16 else torch.float32
