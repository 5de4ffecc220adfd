"""What the metrics need of reference molecules, computed once for each set of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.fcd import Moments, chemnet_activations, moments
from molvae.chem.fingerprints import PackedBits, pack_morgan, stack_packed
from molvae.chem.fragments import brics_fragments
from molvae.chem.molecules import parse, without_stereo
from molvae.chem.quiet import quiet
from molvae.chem.ring_systems import ring_systems
from molvae.chem.scaffolds import murcko_scaffold
from molvae.errors import DataError
from molvae.log import progress
from molvae.parallel import chunks_of, map_tasks, processes_for
from molvae.score import guacamol
from molvae.score.cache import Stored, cached
from molvae.score.guacamol import FlatMolecules, Training, describe_plain

MAIN_PROPERTIES = ("logp", "sa_score", "qed", "mol_weight", "tpsa", "heavy_atoms", "rings")
"""The properties whose distributions are compared."""

MIN_SCAFFOLD_RINGS = 2
"""Rings that a scaffold must have to count in Scaf."""


@dataclass(frozen=True)
class ReferenceStatistics:
    """Of the N molecules of a test set.

    Attributes:
        n_given: Strings that were given, those that are no molecules included.
        fingerprints: Packed Morgan fingerprints of radius 2, uint8 (N, 128).
        fragments: How often each BRICS fragment occurs.
        scaffolds: How often each Bemis-Murcko scaffold of 2 rings or more occurs, stereochemistry included.
        properties: `MAIN_PROPERTIES` by name, float64 (N,) each; NaN where there is none.
        moments: Of their ChemNet activations; None for fewer than 2 molecules.
    """

    n_given: int
    fingerprints: PackedBits
    fragments: Counter[str]
    scaffolds: Counter[str]
    properties: dict[str, NDArray[np.float64]]
    moments: Moments | None

    def __len__(self) -> int:
        """Return N."""
        return len(self.fingerprints)


@dataclass(frozen=True)
class TrainStatistics:
    """Of the N molecules of a training set.

    Attributes:
        rows: Which of the strings given they are, int64 (N,).
        smiles: Canonical SMILES.
        fingerprints: Packed Morgan fingerprints of radius 2, uint8 (N, 128).
        scaffolds: How often each Bemis-Murcko scaffold occurs, without stereochemistry.
        ring_systems: How many molecules have each ring system.
        guacamol: What the GuacaMol metrics need of them.
    """

    rows: NDArray[np.int64]
    smiles: list[str]
    fingerprints: PackedBits
    scaffolds: Counter[str]
    ring_systems: Counter[str]
    guacamol: Training

    def __len__(self) -> int:
        """Return N."""
        return len(self.smiles)


def reference_statistics(smiles: Sequence[str], n_jobs: int) -> ReferenceStatistics:
    """Describe a test set, or find it described in the cache.

    Args:
        smiles: The molecules; strings that are no molecules are left out.
        n_jobs: Processes.
    """
    stored = cached("test", smiles, lambda: _describe_test(smiles, n_jobs))
    arrays = stored.arrays
    return ReferenceStatistics(
        n_given=len(smiles),
        fingerprints=arrays["fingerprints"],
        fragments=stored.counts["fragments"],
        scaffolds=stored.counts["scaffolds"],
        properties={name: arrays[name] for name in MAIN_PROPERTIES},
        moments=_moments(stored),
    )


def reference_moments(smiles: Sequence[str], n_jobs: int) -> Moments:
    """Return the moments of a test set's ChemNet activations; whatever else scoring needs of it is kept too.

    Raises:
        DataError: If there are fewer than 2 molecules.
    """
    described = reference_statistics(smiles, n_jobs)
    if described.moments is None:
        raise DataError(f"FCD: expected at least 2 molecules to compare with, found {len(described)}")
    return described.moments


def train_statistics(smiles: Sequence[str], n_jobs: int) -> TrainStatistics:
    """Describe a training set, or find it described in the cache; see `reference_statistics`."""
    stored = cached("training", smiles, lambda: _describe_train(smiles, n_jobs))
    canonical = stored.texts["smiles"]
    drawn = [smiles[row] for row in guacamol.reference_rows(len(smiles))]
    drawn_stored = cached("guacamol", drawn, lambda: _describe_drawn(drawn, n_jobs))
    return TrainStatistics(
        rows=stored.arrays["rows"],
        smiles=canonical,
        fingerprints=stored.arrays["fingerprints"],
        scaffolds=stored.counts["scaffolds"],
        ring_systems=stored.counts["ring_systems"],
        guacamol=Training(
            smiles={plain or text for plain, text in zip(stored.texts["plain_smiles"], canonical, strict=True)},
            distributions={name: drawn_stored.arrays[name] for name in guacamol.COMPARED},
            moments=_moments(drawn_stored),
        ),
    )


@dataclass(frozen=True)
class _TestPart:
    fingerprints: PackedBits
    fragments: Counter[str]
    scaffolds: Counter[str]
    properties: NDArray[np.float64]
    activations: NDArray[np.float32]


def _describe_test(smiles: Sequence[str], n_jobs: int) -> Stored:
    fragments: Counter[str] = Counter()
    scaffolds: Counter[str] = Counter()
    fingerprints: list[PackedBits] = []
    properties: list[NDArray[np.float64]] = []

    def activations() -> Iterator[NDArray[np.float32]]:
        for part in _described(_describe_test_part, "describe test molecules", smiles, n_jobs):
            fragments.update(part.fragments)
            scaffolds.update(part.scaffolds)
            fingerprints.append(part.fingerprints)
            properties.append(part.properties)
            yield part.activations

    measured = _stored_moments(activations())
    columns = np.concatenate(properties).T
    return Stored(
        arrays={
            "fingerprints": np.concatenate(fingerprints),
            **measured,
            **dict(zip(MAIN_PROPERTIES, columns, strict=True)),
        },
        counts={"fragments": fragments, "scaffolds": scaffolds},
    )


def _stored_moments(parts: Iterator[NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
    try:
        found = moments(parts)
    except DataError:
        return {"n": np.array(0)}
    return {"n": np.array(found.n), "mean": found.mean, "covariance": found.covariance}


def _moments(stored: Stored) -> Moments | None:
    """Return the moments, or None where there are too few molecules for any."""
    arrays = stored.arrays
    return Moments(arrays["mean"], arrays["covariance"], int(arrays["n"])) if arrays["n"] else None


def _describe_test_part(smiles: list[str]) -> _TestPart:
    with quiet():
        mols = [mol for mol in map(parse, smiles) if mol is not None]
        return _TestPart(
            fingerprints=stack_packed([pack_morgan(mol) for mol in mols]),
            fragments=Counter(chain.from_iterable(map(brics_fragments, mols))),
            scaffolds=Counter(filter(None, map(counted_scaffold, mols))),
            properties=np.array(
                [[PROPERTIES[name].compute(mol) for name in MAIN_PROPERTIES] for mol in mols], dtype=np.float64
            ).reshape(len(mols), len(MAIN_PROPERTIES)),
            activations=chemnet_activations([Chem.MolToSmiles(mol) for mol in mols]),
        )


def counted_scaffold(mol: Chem.Mol) -> str:
    """Return the scaffold that Scaf counts, with its stereochemistry; empty with fewer than 2 rings."""
    # A scaffold has all the rings of its molecule.
    is_counted = mol.GetRingInfo().NumRings() >= MIN_SCAFFOLD_RINGS
    return murcko_scaffold(mol, stereo=True) if is_counted else ""


@dataclass(frozen=True)
class _TrainPart:
    is_valid: NDArray[np.bool_]
    smiles: list[str]
    plain_smiles: list[str]
    fingerprints: PackedBits
    scaffolds: Counter[str]
    ring_systems: Counter[str]


def _describe_train(smiles: Sequence[str], n_jobs: int) -> Stored:
    parts = list(_described(_describe_train_part, "describe training molecules", smiles, n_jobs))
    scaffolds: Counter[str] = Counter()
    systems: Counter[str] = Counter()
    for part in parts:
        scaffolds.update(part.scaffolds)
        systems.update(part.ring_systems)
    return Stored(
        arrays={
            "rows": np.flatnonzero(np.concatenate([part.is_valid for part in parts])),
            "fingerprints": np.concatenate([part.fingerprints for part in parts]),
        },
        texts={
            "smiles": list(chain.from_iterable(part.smiles for part in parts)),
            "plain_smiles": list(chain.from_iterable(part.plain_smiles for part in parts)),
        },
        counts={"scaffolds": scaffolds, "ring_systems": systems},
    )


def _describe_train_part(smiles: list[str]) -> _TrainPart:
    with quiet():
        parsed = [parse(text) for text in smiles]
        mols = [mol for mol in parsed if mol is not None]
        canonical = [Chem.MolToSmiles(mol) for mol in mols]
        plain = [without_stereo(mol, text)[0] for mol, text in zip(mols, canonical, strict=True)]
        return _TrainPart(
            is_valid=np.array([mol is not None for mol in parsed], dtype=np.bool_),
            smiles=canonical,
            # Most are the same, and kept once.
            plain_smiles=["" if flat == text else flat for flat, text in zip(plain, canonical, strict=True)],
            fingerprints=stack_packed([pack_morgan(mol) for mol in mols]),
            scaffolds=Counter(map(murcko_scaffold, mols)),
            ring_systems=Counter(chain.from_iterable(set(ring_systems(mol)) for mol in mols)),
        )


@dataclass(frozen=True)
class _DrawnPart:
    plain: FlatMolecules
    activations: NDArray[np.float32]


def _describe_drawn(smiles: Sequence[str], n_jobs: int) -> Stored:
    parts = list(_described(_describe_drawn_part, "describe drawn molecules", smiles, n_jobs))
    plain = FlatMolecules(
        smiles=list(chain.from_iterable(part.plain.smiles for part in parts)),
        descriptors={
            name: np.concatenate([part.plain.descriptors[name] for part in parts]) for name in guacamol.DESCRIPTORS
        },
        fingerprints=np.concatenate([part.plain.fingerprints for part in parts]),
    )
    measured = _stored_moments(part.activations for part in parts)
    return Stored(arrays={**measured, **guacamol.distributions(plain)})


def _describe_drawn_part(smiles: list[str]) -> _DrawnPart:
    with quiet():
        mols = [mol for mol in map(parse, smiles) if mol is not None]
        canonical = [Chem.MolToSmiles(mol) for mol in mols]
        properties = {
            name: np.array([PROPERTIES[name].compute(mol) for mol in mols], dtype=np.float64)
            for name in guacamol.DESCRIPTORS
        }
        return _DrawnPart(describe_plain(mols, canonical, properties), chemnet_activations(canonical))


Part = TypeVar("Part")


def _described(describe: Callable[[list[str]], Part], title: str, smiles: Sequence[str], n_jobs: int) -> Iterator[Part]:
    # Nothing still makes one part, from which the columns get their shapes.
    chunks = chunks_of(smiles) if smiles else [[]]
    with progress(title, len(smiles)) as advance:
        for chunk, part in map_tasks(describe, chunks, processes_for(len(smiles), n_jobs)):
            advance(len(chunk))
            yield part
