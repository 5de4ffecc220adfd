"""Statistics of the test molecules that generated ones are compared with, computed once for each set of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.fcd import Moments, TooFewMoleculesError, chemnet_activations, moments
from molvae.chem.fingerprints import PackedBits, pack_morgan, stack_packed
from molvae.chem.fragments import brics_fragments
from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet
from molvae.chem.scaffolds import murcko_scaffold
from molvae.errors import DataError
from molvae.log import progress
from molvae.metrics.cache import Stored, cached
from molvae.parallel import chunks_of, map_tasks, processes_for
from molvae.seeding import numpy_generator

MAIN_PROPERTIES = ("logp", "sa_score", "qed", "mol_weight", "tpsa", "heavy_atoms", "rings")
"""The properties whose distributions are compared."""

MIN_SCAFFOLD_RINGS = 2
"""Number of rings that a scaffold must have to count in Scaf."""


@dataclass(frozen=True)
class ReferenceStatistics:
    """Statistics of the N molecules of a test set.

    Attributes:
        fingerprints: Packed ECFP4 fingerprints (1,024 bits), uint8 (N, 128).
        fragments: Number of occurrences of each BRICS fragment.
        scaffolds: Number of molecules with each Bemis-Murcko scaffold of at least 2 rings, stereochemistry included.
        properties: Values of `MAIN_PROPERTIES` by name, float64 (N,) each; NaN where there is none.
        moments: Moments of their ChemNet activations; None for fewer than 2 molecules.
    """

    fingerprints: PackedBits
    fragments: Counter[str]
    scaffolds: Counter[str]
    properties: dict[str, NDArray[np.float64]]
    moments: Moments | None

    def __len__(self) -> int:
        """Return N."""
        return len(self.fingerprints)


def thinned(smiles: list[str], n: int | None, seed: int, purpose: str = "score test") -> list[str]:
    """Return at most n molecules of a test set, a random subset in their order; all of them without n.

    Stages that give the same n and seed compare with the same molecules, which are described once.
    """
    if n is None or len(smiles) <= n:
        return smiles
    rows = numpy_generator(seed, purpose).choice(len(smiles), n, replace=False)
    return [smiles[row] for row in sorted(rows)]


def reference_statistics(smiles: Sequence[str], n_jobs: int) -> ReferenceStatistics:
    """Return the statistics of a test set, from the cache if it has them.

    Args:
        smiles: The molecules; strings that are not valid molecules are left out.
        n_jobs: Number of processes.
    """
    stored = cached("test", smiles, lambda: _describe_reference(smiles, n_jobs))
    arrays = stored.arrays
    return ReferenceStatistics(
        fingerprints=arrays["fingerprints"],
        fragments=stored.counts["fragments"],
        scaffolds=stored.counts["scaffolds"],
        properties={name: arrays[name] for name in MAIN_PROPERTIES},
        moments=cached_moments(stored),
    )


def reference_moments(smiles: Sequence[str], n_jobs: int) -> Moments:
    """Return the moments of a test set's ChemNet activations; its other statistics are cached with them.

    Raises:
        DataError: If there are fewer than 2 molecules.
    """
    statistics = reference_statistics(smiles, n_jobs)
    if statistics.moments is None:
        raise DataError(f"FCD: expected at least 2 molecules to compare with, found {len(statistics)}")
    return statistics.moments


@dataclass(frozen=True)
class _ReferencePart:
    fingerprints: PackedBits
    fragments: Counter[str]
    scaffolds: Counter[str]
    properties: NDArray[np.float64]
    activations: NDArray[np.float32]


def _describe_reference(smiles: Sequence[str], n_jobs: int) -> Stored:
    fragments: Counter[str] = Counter()
    scaffolds: Counter[str] = Counter()
    fingerprints: list[PackedBits] = []
    properties: list[NDArray[np.float64]] = []

    def activations() -> Iterator[NDArray[np.float32]]:
        for part in in_chunks(_reference_part, smiles, n_jobs, "describe test molecules"):
            fragments.update(part.fragments)
            scaffolds.update(part.scaffolds)
            fingerprints.append(part.fingerprints)
            properties.append(part.properties)
            yield part.activations

    arrays = moment_arrays(activations())
    columns = np.concatenate(properties).T
    return Stored(
        arrays={
            "fingerprints": np.concatenate(fingerprints),
            **arrays,
            **dict(zip(MAIN_PROPERTIES, columns, strict=True)),
        },
        counts={"fragments": fragments, "scaffolds": scaffolds},
    )


def moment_arrays(parts: Iterable[NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
    """Return the moments of activations as arrays to cache; `cached_moments` reads them again.

    Args:
        parts: Activations of N molecules in parts, float32 (n, D) each (see `chem.fcd.moments`).

    Returns:
        `n`, a scalar, and where it is not 0 `mean`, float64 (D,), and `covariance`, float64 (D, D).
    """
    try:
        computed = moments(parts)
    # A worker that has died is another error, after which nothing may be kept.
    except TooFewMoleculesError:
        return {"n": np.array(0)}
    return {"n": np.array(computed.n), "mean": computed.mean, "covariance": computed.covariance}


def cached_moments(stored: Stored) -> Moments | None:
    """Return moments from the cache, or None where there were fewer than 2 molecules."""
    arrays = stored.arrays
    return Moments(arrays["mean"], arrays["covariance"], int(arrays["n"])) if arrays["n"] else None


def _reference_part(smiles: list[str]) -> _ReferencePart:
    with quiet():
        mols = [mol for mol in map(parse, smiles) if mol is not None]
        return _ReferencePart(
            fingerprints=stack_packed([pack_morgan(mol) for mol in mols]),
            fragments=Counter(chain.from_iterable(map(brics_fragments, mols))),
            scaffolds=Counter(filter(None, map(counted_scaffold, mols))),
            properties=np.array(
                [[PROPERTIES[name].compute(mol) for name in MAIN_PROPERTIES] for mol in mols], dtype=np.float64
            ).reshape(len(mols), len(MAIN_PROPERTIES)),
            activations=chemnet_activations([Chem.MolToSmiles(mol) for mol in mols]),
        )


def counted_scaffold(mol: Chem.Mol) -> str:
    """Return the scaffold that Scaf counts, stereochemistry included; empty with fewer than 2 rings."""
    # A scaffold has all rings of its molecule.
    is_counted = mol.GetRingInfo().NumRings() >= MIN_SCAFFOLD_RINGS
    return murcko_scaffold(mol, stereo=True) if is_counted else ""


Part = TypeVar("Part")


def in_chunks(function: Callable[[list[str]], Part], smiles: Sequence[str], n_jobs: int, title: str) -> Iterator[Part]:
    """Apply a function to consecutive chunks of molecules, in order, and show the progress.

    Args:
        function: Takes a chunk; it and its results must be picklable.
        smiles: The molecules. Where there are none, the function is applied to one empty chunk.
        n_jobs: Number of processes.
        title: Title of the progress bar.

    Yields:
        The result for each chunk.
    """
    chunks = chunks_of(smiles) if smiles else [[]]
    with progress(title, len(smiles)) as advance:
        for chunk, part in map_tasks(function, chunks, processes_for(len(smiles), n_jobs)):
            advance(len(chunk))
            yield part
