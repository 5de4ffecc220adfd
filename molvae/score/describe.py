"""All that is computed molecule by molecule: each is parsed once, in one pass of the processes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import inchi

from molvae.chem.alerts import passes_moses_filters, structural_alerts
from molvae.chem.descriptors import PROPERTIES
from molvae.chem.fcd import chemnet_activations
from molvae.chem.fingerprints import PackedBits, pack_morgan, stack_packed
from molvae.chem.fragments import brics_fragments
from molvae.chem.molecules import parse
from molvae.chem.parallel import chunks_of, map_tasks, processes_for
from molvae.chem.quiet import quiet
from molvae.chem.scaffolds import murcko_scaffold
from molvae.log import progress
from molvae.score.reference import Reference

# Those that are compared with the test set's.
MAIN_PROPERTIES = ("logp", "sa_score", "qed", "mol_weight", "tpsa", "heavy_atoms", "rings")


@dataclass(frozen=True)
class Known:
    """What is needed of training molecules. All but `is_valid` have an entry for each of the N valid ones, in order.

    Attributes:
        is_valid: Which of the strings given are molecules, bool.
        smiles: Canonical SMILES.
        fingerprints: Packed Morgan fingerprints of radius 2, uint8 (N, 128).
        scaffolds: Bemis-Murcko scaffolds; empty without rings.
    """

    is_valid: NDArray[np.bool_]
    smiles: list[str]
    fingerprints: PackedBits
    scaffolds: list[str]


@dataclass(frozen=True)
class Compared(Known):
    """What is needed besides where two distributions are compared.

    Attributes:
        properties: Values by name, float64 (N,) each; NaN where there is none. All of `PROPERTIES` for generated
            molecules, `MAIN_PROPERTIES` for others.
        n_rings: Rings of each molecule, which are also those of its scaffold, int64 (N,).
        fragments: How often each BRICS fragment occurs in all of them.
        activations: ChemNet activations, float32 (N, 512).
    """

    properties: dict[str, NDArray[np.float64]]
    n_rings: NDArray[np.int64]
    fragments: Counter[str]
    activations: NDArray[np.float32]


@dataclass(frozen=True)
class Generated(Compared):
    """What is needed besides to judge a molecule by itself.

    Attributes:
        alerts: Names of the structural alerts each hits.
        passes_filters: Whether each passes MOSES's filters, bool (N,).
        inchikeys: InChIKeys; empty where InChI has none.
    """

    alerts: list[tuple[str, ...]]
    passes_filters: NDArray[np.bool_]
    inchikeys: list[str]


@dataclass(frozen=True)
class Described:
    """The molecules of a comparison.

    Attributes:
        generated: The molecules to score.
        train: The training molecules.
        tests: The test sets by MOSES's names, `Test` and, where there is one, `TestSF`.
    """

    generated: Generated
    train: Known
    tests: dict[str, Compared]


def describe(samples: list[str], reference: Reference, n_jobs: int) -> Described:
    """Compute what the metrics need of every molecule.

    Args:
        samples: Strings that should be molecules.
        reference: What they are compared with.
        n_jobs: Processes.
    """
    sets: dict[str, tuple[type[Known], list[str]]] = {
        "generated": (Generated, samples),
        "Test": (Compared, reference.test),
        **({} if reference.test_scaffolds is None else {"TestSF": (Compared, reference.test_scaffolds)}),
        "train": (Known, reference.train),
    }
    # The most costly chunks come first, so that the processes finish together.
    tasks = [_Task(name, kind, chunk) for name, (kind, smiles) in sets.items() for chunk in _chunks(smiles)]
    n_molecules = sum(len(task.smiles) for task in tasks)
    parts: dict[str, list[Known]] = {name: [] for name in sets}
    with progress("describe molecules", n_molecules) as advance:
        for task, part in map_tasks(_describe_chunk, tasks, processes_for(n_molecules, n_jobs)):
            parts[task.name].append(part)
            advance(len(task.smiles))
    return Described(
        generated=_merge(Generated, parts.pop("generated")),
        train=_merge(Known, parts.pop("train")),
        tests={name: _merge(Compared, chunks) for name, chunks in parts.items()},
    )


@dataclass(frozen=True)
class _Task:
    name: str
    kind: type[Known]
    smiles: Sequence[str]


def _chunks(smiles: Sequence[str]) -> list[list[str]]:
    # An empty set still makes one chunk, from which its columns get their shapes.
    return list(chunks_of(smiles)) or [[]]


def _describe_chunk(task: _Task) -> Known:
    with quiet():
        parsed = [parse(text) for text in task.smiles]
        mols = [mol for mol in parsed if mol is not None]
        smiles = [Chem.MolToSmiles(mol) for mol in mols]
        known: dict[str, Any] = {
            "is_valid": np.array([mol is not None for mol in parsed], dtype=np.bool_),
            "smiles": smiles,
            "fingerprints": stack_packed([pack_morgan(mol) for mol in mols]),
            "scaffolds": [murcko_scaffold(mol) for mol in mols],
        }
        if task.kind is Known:
            return Known(**known)
        names = MAIN_PROPERTIES if task.kind is Compared else tuple(PROPERTIES)
        compared: dict[str, Any] = {
            **known,
            "properties": {name: np.array([PROPERTIES[name].compute(mol) for mol in mols]) for name in names},
            "n_rings": np.array([mol.GetRingInfo().NumRings() for mol in mols], dtype=np.int64),
            "fragments": Counter(chain.from_iterable(map(brics_fragments, mols))),
            "activations": chemnet_activations(smiles),
        }
        if task.kind is Compared:
            return Compared(**compared)
        alerts = structural_alerts(mols)
        passes = passes_moses_filters(mols, alerts)
        return Generated(
            **compared,
            alerts=alerts,
            passes_filters=np.array(passes, dtype=np.bool_),
            inchikeys=[inchi.MolToInchiKey(mol) for mol in mols],  # type: ignore[no-untyped-call]
        )


Columns = TypeVar("Columns", bound=Known)


def _merge(kind: type[Columns], parts: Sequence[Known]) -> Columns:
    return kind(**{field.name: _joined([getattr(part, field.name) for part in parts]) for field in fields(kind)})


def _joined(columns: Sequence[Any]) -> Any:
    first = columns[0]
    if isinstance(first, Counter):
        total: Counter[str] = Counter()
        for column in columns:
            total.update(column)
        return total
    if isinstance(first, dict):
        return {name: np.concatenate([column[name] for column in columns]) for name in first}
    return np.concatenate(columns) if isinstance(first, np.ndarray) else list(chain.from_iterable(columns))
