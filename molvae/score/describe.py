"""All that is computed of generated molecules one by one: each is parsed once, in one pass of the processes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import inchi

from molvae.chem.alerts import passes_moses_filters, pattern_library, structural_alerts
from molvae.chem.descriptors import PROPERTIES
from molvae.chem.drug_rules import passes_veber
from molvae.chem.fcd import ACTIVATIONS, chemnet_activations
from molvae.chem.fingerprints import PackedBits, pack_morgan, stack_packed
from molvae.chem.fragments import brics_fragments
from molvae.chem.molecules import is_ordinary, parse, why_not_a_molecule
from molvae.chem.quiet import quiet
from molvae.chem.ring_systems import ring_systems
from molvae.chem.scaffolds import murcko_scaffold
from molvae.chem.timeout import Outcome, map_within
from molvae.log import progress
from molvae.parallel import chunks_of, map_tasks, processes_for
from molvae.score.guacamol import DESCRIPTORS, FINGERPRINT_BITS, FlatMolecules, describe_plain
from molvae.score.statistics import counted_scaffold

TIME_LIMIT_S = 5.0
"""Seconds for a string that is not ordinary; an ordinary molecule takes some thousandths."""


@dataclass(frozen=True, slots=True)
class Molecule:
    """One generated molecule.

    Attributes:
        smiles: Canonical SMILES.
        fingerprint: Packed Morgan fingerprint of radius 2 and 1,024 bits.
        scaffold: Bemis-Murcko scaffold without stereochemistry; empty without rings.
        counted_scaffold: The scaffold that Scaf counts, see `counted_scaffold`.
        fragments: BRICS fragments.
        ring_systems: Its ring systems, as often as they occur.
        properties: Values of `PROPERTIES`, in their order; NaN where there is none.
        passes_veber: Whether it passes Veber's rules.
        alerts: Names of the structural alerts that it hits.
        passes_filters: Whether it passes MOSES's filters.
        inchikey: InChIKey; empty where InChI has none.
        plain_smiles: Canonical SMILES without stereochemistry and isotopes.
        plain_descriptors: GuacaMol's `DESCRIPTORS` of that molecule, in their order.
        plain_fingerprint: Its packed Morgan fingerprint of radius 2 and 4,096 bits.
    """

    smiles: str
    fingerprint: bytes
    scaffold: str
    counted_scaffold: str
    fragments: tuple[str, ...]
    ring_systems: tuple[str, ...]
    properties: tuple[float, ...]
    passes_veber: bool
    alerts: tuple[str, ...]
    passes_filters: bool
    inchikey: str
    plain_smiles: str
    plain_descriptors: tuple[float, ...]
    plain_fingerprint: bytes


Value = TypeVar("Value")


@dataclass(frozen=True)
class Generated:
    """Generated molecules.

    Attributes:
        problems: For each string given, why it is no molecule; empty for a molecule.
        molecules: The N valid ones, in order.
        activations: Their ChemNet activations, float32 (N, 512).
    """

    problems: list[str]
    molecules: list[Molecule]
    activations: NDArray[np.float32]

    def __len__(self) -> int:
        """Return N."""
        return len(self.molecules)

    def each(self, value: Callable[[Molecule], Value]) -> list[Value]:
        """Return something of every valid molecule."""
        return [value(molecule) for molecule in self.molecules]

    @cached_property
    def is_valid(self) -> NDArray[np.bool_]:
        """Which of the strings given are molecules, bool."""
        return np.array([not problem for problem in self.problems], dtype=np.bool_)

    @cached_property
    def smiles(self) -> list[str]:
        """Canonical SMILES of the valid ones."""
        return self.each(lambda molecule: molecule.smiles)

    @cached_property
    def fingerprints(self) -> PackedBits:
        """Packed Morgan fingerprints, uint8 (N, 128)."""
        return stack_packed(self.each(lambda molecule: molecule.fingerprint))

    @cached_property
    def properties(self) -> dict[str, NDArray[np.float64]]:
        """Values by the names in `PROPERTIES`, float64 (N,) each."""
        rows = np.array(self.each(lambda molecule: molecule.properties), dtype=np.float64)
        return dict(zip(PROPERTIES, rows.reshape(len(self), len(PROPERTIES)).T, strict=True))

    @cached_property
    def plain(self) -> FlatMolecules:
        """The molecules without stereochemistry, as the GuacaMol metrics need them."""
        rows = np.array(self.each(lambda molecule: molecule.plain_descriptors), dtype=np.float64)
        columns = rows.reshape(len(self), len(DESCRIPTORS)).T
        return FlatMolecules(
            smiles=self.each(lambda molecule: molecule.plain_smiles),
            descriptors=dict(zip(DESCRIPTORS, columns, strict=True)),
            fingerprints=stack_packed(self.each(lambda molecule: molecule.plain_fingerprint), FINGERPRINT_BITS),
        )


def describe(samples: Sequence[str], n_jobs: int, device: str = "cpu") -> Generated:
    """Compute what the metrics and the table need of every generated molecule.

    A string of thousands of characters, or one whose description takes too long or brings the libraries down, is no
    molecule here, and changes nothing for the others.

    Args:
        samples: Strings that should be molecules.
        n_jobs: Processes.
        device: Where ChemNet runs: `cpu`, in the processes, or `cuda`.
    """
    found: list[Molecule | str] = []
    activations: list[NDArray[np.float32]] = [np.empty((0, ACTIVATIONS), np.float32)]
    work = partial(_describe_chunk, with_activations=device == "cpu")
    with progress("describe molecules", len(samples)) as advance:
        for chunk, (described, activated) in map_tasks(work, chunks_of(samples), processes_for(len(samples), n_jobs)):
            found += described
            activations.append(activated)
            advance(len(chunk))
    molecules = [each for each in found if isinstance(each, Molecule)]
    if device != "cpu":
        activations.append(chemnet_activations([molecule.smiles for molecule in molecules], device))
    return Generated(
        problems=[each if isinstance(each, str) else "" for each in found],
        molecules=molecules,
        activations=np.concatenate(activations),
    )


def _describe_chunk(texts: list[str], *, with_activations: bool) -> tuple[list[Molecule | str], NDArray[np.float32]]:
    with quiet():
        ordinary = iter(describe_all([text for text in texts if is_ordinary(text)]))
        odd = [text for text in texts if not is_ordinary(text)]
        if odd:
            _load()
        others = iter(map_within(_describe_one, odd, TIME_LIMIT_S))
        described = [_outcome(next(ordinary if is_ordinary(text) else others)) for text in texts]
    smiles = [each.smiles for each in described if isinstance(each, Molecule) and with_activations]
    return described, chemnet_activations(smiles)


def _outcome(found: Molecule | str | Outcome) -> Molecule | str:
    if isinstance(found, Outcome):
        took = f"more than {TIME_LIMIT_S:g} s" if found is Outcome.TOO_SLOW else "the chemistry library broke off on it"
        return f"{found.value}: {took}"
    return found


def _describe_one(text: str) -> Molecule | str:
    try:
        return describe_all([text])[0]
    except MemoryError:
        return "too large: no memory for it"


@cache
def _load() -> None:
    """Load the libraries' models before processes are forked, each of which would load them anew."""
    describe_all(["C"])


def describe_all(texts: Sequence[str]) -> list[Molecule | str]:
    """Describe strings, all but their activations; one that is no molecule becomes the reason for it."""
    parsed = [parse(text) for text in texts]
    mols = [mol for mol in parsed if mol is not None]
    smiles = [Chem.MolToSmiles(mol) for mol in mols]
    library = pattern_library(mols)
    alerts = structural_alerts(mols, library=library)
    passes = passes_moses_filters(mols, alerts, library)
    properties = [tuple(PROPERTIES[name].compute(mol) for name in PROPERTIES) for mol in mols]
    columns = np.array(properties, dtype=np.float64).reshape(len(mols), len(PROPERTIES)).T
    plain = describe_plain(mols, smiles, dict(zip(PROPERTIES, columns, strict=True)))
    described = iter(
        Molecule(
            smiles=smiles[row],
            fingerprint=pack_morgan(mol),
            scaffold=murcko_scaffold(mol),
            counted_scaffold=counted_scaffold(mol),
            fragments=tuple(brics_fragments(mol)),
            ring_systems=tuple(ring_systems(mol)),
            properties=properties[row],
            passes_veber=passes_veber(mol),
            alerts=alerts[row],
            passes_filters=passes[row],
            inchikey=inchi.MolToInchiKey(mol),  # type: ignore[no-untyped-call]
            plain_smiles=plain.smiles[row],
            plain_descriptors=tuple(float(plain.descriptors[name][row]) for name in DESCRIPTORS),
            plain_fingerprint=plain.fingerprints[row].tobytes(),
        )
        for row, mol in enumerate(mols)
    )
    return [
        next(described) if mol is not None else why_not_a_molecule(text) if text.strip() else "empty"
        for text, mol in zip(texts, parsed, strict=True)
    ]
