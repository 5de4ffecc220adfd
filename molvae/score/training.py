"""Statistics of the training molecules, computed once for each set of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.fcd import chemnet_activations
from molvae.chem.fingerprints import PackedBits, pack_morgan, stack_packed
from molvae.chem.molecules import parse, without_stereo
from molvae.chem.quiet import quiet
from molvae.chem.ring_systems import ring_systems
from molvae.chem.scaffolds import murcko_scaffold
from molvae.metrics.cache import Stored, cached
from molvae.metrics.columns import concatenate
from molvae.metrics.reference import cached_moments, in_chunks, moment_arrays
from molvae.score import guacamol
from molvae.score.guacamol import FlatMolecules, Training, flat_molecules


@dataclass(frozen=True)
class TrainStatistics:
    """Statistics of the N molecules of a training set.

    Attributes:
        rows: Rows of the given strings that are valid molecules, int64 (N,).
        smiles: Canonical SMILES.
        fingerprints: Packed ECFP4 fingerprints (1,024 bits), uint8 (N, 128).
        scaffolds: Number of molecules with each Bemis-Murcko scaffold, stereochemistry ignored.
        ring_systems: Number of molecules that have each ring system.
        guacamol: What the GuacaMol metrics compare with.
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


def train_statistics(smiles: Sequence[str], n_jobs: int, max_compared: int | None = None) -> TrainStatistics:
    """Return the statistics of a training set, from the cache if it has them; see `reference_statistics`.

    Args:
        smiles: The training set; strings that are not molecules are left out.
        n_jobs: Number of processes.
        max_compared: Most of the molecules that the GuacaMol metrics compare with; as many as they ask for by default.
    """
    stored = cached("training", smiles, lambda: _describe_train(smiles, n_jobs))
    canonical = stored.texts["smiles"]
    subsample = [smiles[row] for row in guacamol.reference_rows(len(smiles), max_compared)]
    compared = cached("guacamol", subsample, lambda: _describe_subsample(subsample, n_jobs))
    return TrainStatistics(
        rows=stored.arrays["rows"],
        smiles=canonical,
        fingerprints=stored.arrays["fingerprints"],
        scaffolds=stored.counts["scaffolds"],
        ring_systems=stored.counts["ring_systems"],
        guacamol=Training(
            smiles={flat or text for flat, text in zip(stored.texts["flat_smiles"], canonical, strict=True)},
            distributions={name: compared.arrays[name] for name in guacamol.COMPARED},
            moments=cached_moments(compared),
        ),
    )


@dataclass(frozen=True)
class _TrainColumns:
    smiles: list[str]
    flat_smiles: list[str]
    fingerprints: PackedBits


@dataclass(frozen=True)
class _TrainPart:
    is_valid: NDArray[np.bool_]
    columns: _TrainColumns
    scaffolds: Counter[str]
    ring_systems: Counter[str]


def _describe_train(smiles: Sequence[str], n_jobs: int) -> Stored:
    parts = list(in_chunks(_train_part, smiles, n_jobs, "describe training molecules"))
    scaffolds: Counter[str] = Counter()
    systems: Counter[str] = Counter()
    for part in parts:
        scaffolds.update(part.scaffolds)
        systems.update(part.ring_systems)
    columns = concatenate([part.columns for part in parts])
    rows = np.flatnonzero(np.concatenate([part.is_valid for part in parts]))
    return Stored(
        arrays={"rows": rows, "fingerprints": columns.fingerprints},
        texts={"smiles": columns.smiles, "flat_smiles": columns.flat_smiles},
        counts={"scaffolds": scaffolds, "ring_systems": systems},
    )


def _train_part(smiles: list[str]) -> _TrainPart:
    with quiet():
        parsed = [parse(text) for text in smiles]
        mols = [mol for mol in parsed if mol is not None]
        canonical = [Chem.MolToSmiles(mol) for mol in mols]
        flat = [without_stereo(mol, text)[0] for mol, text in zip(mols, canonical, strict=True)]
        return _TrainPart(
            is_valid=np.array([mol is not None for mol in parsed], dtype=np.bool_),
            columns=_TrainColumns(
                smiles=canonical,
                # Most are the same as the canonical SMILES, and stored once.
                flat_smiles=["" if text == full else text for text, full in zip(flat, canonical, strict=True)],
                fingerprints=stack_packed([pack_morgan(mol) for mol in mols]),
            ),
            scaffolds=Counter(map(murcko_scaffold, mols)),
            ring_systems=Counter(chain.from_iterable(set(ring_systems(mol)) for mol in mols)),
        )


@dataclass(frozen=True)
class _SubsamplePart:
    flat: FlatMolecules
    activations: NDArray[np.float32]


def _describe_subsample(smiles: Sequence[str], n_jobs: int) -> Stored:
    parts = list(in_chunks(_subsample_part, smiles, n_jobs, "describe a subsample of the training molecules"))
    flat = concatenate([part.flat for part in parts])
    arrays = moment_arrays(part.activations for part in parts)
    return Stored(arrays={**arrays, **guacamol.distributions(flat)})


def _subsample_part(smiles: list[str]) -> _SubsamplePart:
    with quiet():
        mols = [mol for mol in map(parse, smiles) if mol is not None]
        canonical = [Chem.MolToSmiles(mol) for mol in mols]
        properties = {
            name: np.array([PROPERTIES[name].compute(mol) for mol in mols], dtype=np.float64)
            for name in guacamol.DESCRIPTORS
        }
        return _SubsamplePart(flat_molecules(mols, canonical, properties), chemnet_activations(canonical))
