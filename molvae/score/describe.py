"""Describe generated molecules: each string is parsed once, and all that is computed of it is a column."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import inchi

from molvae.chem.alerts import passes_moses_filters, structural_alerts
from molvae.chem.descriptors import PROPERTIES
from molvae.chem.drug_rules import passes_veber
from molvae.chem.fcd import ACTIVATIONS, chemnet_activations
from molvae.chem.fingerprints import PackedBits, pack_morgan, stack_packed
from molvae.chem.fragments import brics_fragments
from molvae.chem.molecules import is_ordinary, parse, why_not_a_molecule
from molvae.chem.pattern_set import pattern_bits
from molvae.chem.quiet import quiet
from molvae.chem.ring_systems import ring_systems
from molvae.chem.scaffolds import murcko_scaffold
from molvae.chem.timeout import TIME_LIMIT_S, Outcome, map_within
from molvae.log import logger
from molvae.metrics.columns import concatenate, take
from molvae.metrics.reference import counted_scaffold, in_chunks
from molvae.score.guacamol import FlatMolecules, flat_molecules


@dataclass(frozen=True)
class Descriptions:
    """Descriptions of N valid molecules.

    Attributes:
        smiles: Canonical SMILES.
        fingerprints: Packed ECFP4 fingerprints (1,024 bits), uint8 (N, 128).
        scaffolds: Bemis-Murcko scaffolds without stereochemistry; empty without rings.
        counted_scaffolds: The scaffolds that Scaf counts, see `counted_scaffold`.
        fragments: BRICS fragments of each.
        ring_systems: Ring systems of each, as often as they occur.
        properties: Values by the names in `PROPERTIES`, float64 (N,) each; NaN where there is none.
        passes_veber: Whether each satisfies Veber's rules, bool (N,).
        alerts: Names of the structural alerts of each.
        passes_filters: Whether each passes the filters of MOSES, bool (N,).
        inchikeys: InChIKeys; empty where InChI has none.
        flat: The molecules without stereochemistry, as the GuacaMol metrics need them.
    """

    smiles: list[str]
    fingerprints: PackedBits
    scaffolds: list[str]
    counted_scaffolds: list[str]
    fragments: list[list[str]]
    ring_systems: list[list[str]]
    properties: dict[str, NDArray[np.float64]]
    passes_veber: NDArray[np.bool_]
    alerts: list[tuple[str, ...]]
    passes_filters: NDArray[np.bool_]
    inchikeys: list[str]
    flat: FlatMolecules

    def __len__(self) -> int:
        """Return N."""
        return len(self.smiles)


@dataclass(frozen=True)
class Generated:
    """Generated strings, of which N are valid molecules.

    Attributes:
        problems: Why each string is not a molecule; empty for a molecule.
        is_unresolved: Whether it could not be found out if the string is a molecule: the description took too long, ran
            out of memory or crashed, which another machine might not. Such strings have a problem too. bool.
        molecules: The N valid molecules, in order.
        activations: Their ChemNet activations, float32 (N, 512).
    """

    problems: list[str]
    is_unresolved: NDArray[np.bool_]
    molecules: Descriptions
    activations: NDArray[np.float32]

    @property
    def is_valid(self) -> NDArray[np.bool_]:
        """Whether each string is a valid molecule, bool (N,)."""
        return np.array([not problem for problem in self.problems], dtype=np.bool_)

    @property
    def n_unresolved(self) -> int:
        """Number of strings of which it is not known whether they are molecules."""
        return int(np.count_nonzero(self.is_unresolved))


def describe(samples: Sequence[str], n_jobs: int, device: str = "cpu") -> Generated:
    """Compute what the metrics and the table need of every generated molecule.

    A string of thousands of characters, or one whose description takes too long or crashes the chemistry libraries, is
    not a molecule here, and does not affect the others.

    Args:
        samples: Strings that should be molecules.
        n_jobs: Number of processes.
        device: Where ChemNet runs: `cpu`, in the processes, or `cuda`.
    """
    work = partial(_describe_chunk, with_activations=device == "cpu")
    generated = concatenate(list(in_chunks(work, samples, n_jobs, "describe molecules")))
    if device != "cpu":
        generated = replace(generated, activations=chemnet_activations(generated.molecules.smiles, device))
    return generated


def _describe_chunk(texts: list[str], *, with_activations: bool) -> Generated:
    with quiet():
        is_odd = np.array([not is_ordinary(text) for text in texts], dtype=np.bool_)
        described = _describe_all([text for text in texts if is_ordinary(text)])
        if is_odd.any():
            _load()
            odd = map_within(_describe_one, [text for text in texts if not is_ordinary(text)], TIME_LIMIT_S)
            described = concatenate([described, *map(_resolve, odd)])
            described = _reorder(described, np.argsort(is_odd, kind="stable"))
    if with_activations:
        described = replace(described, activations=chemnet_activations(described.molecules.smiles))
    return described


def without_unresolved(smiles: list[str]) -> list[str]:
    """Return reference molecules with those as empty strings that `describe` could not describe within its limits."""
    odd = [row for row, text in enumerate(smiles) if not is_ordinary(text)]
    if not odd:
        return smiles
    with quiet():
        _load()
        described = map(_resolve, map_within(_describe_one, [smiles[row] for row in odd], TIME_LIMIT_S))
    left_out = {row for row, one in zip(odd, described, strict=True) if one.n_unresolved}
    if left_out:
        logger.warning(
            "%d of %d reference molecules are left out: their description took more than %g s, ran out of memory or "
            "crashed",
            *(len(left_out), len(smiles), TIME_LIMIT_S),
        )
    return ["" if row in left_out else text for row, text in enumerate(smiles)]


def _reorder(described: Generated, places: NDArray[np.int64]) -> Generated:
    """Put strings, and with them their molecules, in the order of their places."""
    order = np.argsort(places)
    return replace(
        described,
        problems=take(described.problems, order),
        is_unresolved=take(described.is_unresolved, order),
        molecules=take(described.molecules, np.argsort(places[described.is_valid])),
    )


def _resolve(described: Generated | Outcome) -> Generated:
    if described is Outcome.TOO_SLOW:
        return _unresolved(f"{described.value}: more than {TIME_LIMIT_S:g} s")
    if described is Outcome.CRASHED:
        return _unresolved(f"{described.value}: the chemistry library broke off on it")
    return described


def _unresolved(problem: str) -> Generated:
    """Return the description of a string of which it is not known whether it is a molecule."""
    return replace(_describe_all([""]), problems=[problem], is_unresolved=np.array([True]))


def _describe_one(text: str) -> Generated:
    try:
        return _describe_all([text])
    except MemoryError:
        return _unresolved("too large: no memory for it")


@cache
def _load() -> None:
    """Load the libraries' models before processes are forked, each of which would load them again."""
    _describe_all(["C"])


def _describe_all(texts: Sequence[str]) -> Generated:
    """Describe strings, all but their activations."""
    parsed = [parse(text) for text in texts]
    mols = [mol for mol in parsed if mol is not None]
    problems = [
        "" if mol is not None else why_not_a_molecule(text) if text.strip() else "empty"
        for text, mol in zip(texts, parsed, strict=True)
    ]
    return Generated(
        problems=problems,
        is_unresolved=np.zeros(len(texts), dtype=np.bool_),
        molecules=_describe_molecules(mols),
        activations=np.empty((0, ACTIVATIONS), np.float32),
    )


def _describe_molecules(mols: Sequence[Chem.Mol]) -> Descriptions:
    smiles = [Chem.MolToSmiles(mol) for mol in mols]
    bits = pattern_bits(mols)
    alerts = structural_alerts(mols, bits=bits)
    rows = [[PROPERTIES[name].compute(mol) for name in PROPERTIES] for mol in mols]
    columns = np.array(rows, dtype=np.float64).reshape(len(mols), len(PROPERTIES)).T
    properties = dict(zip(PROPERTIES, columns, strict=True))
    return Descriptions(
        smiles=smiles,
        fingerprints=stack_packed([pack_morgan(mol) for mol in mols]),
        scaffolds=[murcko_scaffold(mol) for mol in mols],
        counted_scaffolds=[counted_scaffold(mol) for mol in mols],
        fragments=[brics_fragments(mol) for mol in mols],
        ring_systems=[ring_systems(mol) for mol in mols],
        properties=properties,
        passes_veber=passes_veber(properties["rotatable_bonds"], properties["tpsa"]),
        alerts=alerts,
        passes_filters=np.array(passes_moses_filters(mols, alerts, bits), dtype=np.bool_),
        inchikeys=[inchi.MolToInchiKey(mol) for mol in mols],  # type: ignore[no-untyped-call]
        flat=flat_molecules(mols, smiles, properties),
    )
