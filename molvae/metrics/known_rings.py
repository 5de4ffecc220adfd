"""The ring systems of a set of molecules, computed once for each set."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain

from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet
from molvae.chem.ring_systems import ring_systems
from molvae.metrics.cache import Stored, cached
from molvae.metrics.reference import in_chunks


def known_ring_systems(smiles: Sequence[str], n_jobs: int) -> Counter[str]:
    """Count the molecules that have each ring system, from the cache if it has them.

    Args:
        smiles: The molecules; strings that are not valid molecules are left out.
        n_jobs: Number of processes.
    """
    return cached("ring_systems", smiles, lambda: _count(smiles, n_jobs)).counts["ring_systems"]


def _count(smiles: Sequence[str], n_jobs: int) -> Stored:
    counts: Counter[str] = Counter()
    for part in in_chunks(_count_chunk, smiles, n_jobs, "count ring systems"):
        counts.update(part)
    return Stored(counts={"ring_systems": counts})


def _count_chunk(smiles: list[str]) -> Counter[str]:
    with quiet():
        mols = [mol for mol in map(parse, smiles) if mol is not None]
        return Counter(chain.from_iterable(set(ring_systems(mol)) for mol in mols))
