"""Structural alerts by name, and the filters of the MOSES benchmark.

Four collections: PAINS (frequent hitters of assays), BRENK and NIH (reactive or otherwise unwanted groups), and MCF
(the medicinal chemistry filters of MOSES).

References:
    PAINS: Baell and Holloway, New substructure filters for removal of pan assay interference compounds (PAINS), Journal
    of Medicinal Chemistry 2010, doi:10.1021/jm901137j; SMARTS as RDKit ships them.
    BRENK: Brenk et al., Lessons learnt from assembling screening libraries for drug discovery for neglected diseases,
    ChemMedChem 2008, doi:10.1002/cmdc.200700139.
    NIH: Jadhav et al., Quantitative analyses of aggregation, autofluorescence, and reactivity artifacts in a screen for
    inhibitors of a thiol protease, Journal of Medicinal Chemistry 2010, doi:10.1021/jm901070c.
    MCF: Polykovskiy et al., Molecular Sets (MOSES): a benchmarking platform for molecular generation models, Frontiers
    in Pharmacology 2020, doi:10.3389/fphar.2020.565644; MCF, and PAINS where RDKit differs, from its package molsets
    0.3.1 (moses/metrics/mcf.csv, wehi_pains.csv).
"""

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path

from rdkit import Chem, RDConfig
from rdkit.Chem import rdSubstructLibrary
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

MOSES_ATOMS = frozenset({"C", "N", "S", "O", "F", "Cl", "Br", "H"})
MOSES_MAX_RING_SIZE = 7
COLLECTIONS = ("PAINS", "BRENK", "NIH", "MCF")
# Those for which RDKit has no catalogue, or a slow one.
_SMARTS_COLLECTIONS = ("PAINS", "MCF")
# The collections whose hits fail a molecule in MOSES.
MOSES_COLLECTIONS = ("PAINS", "MCF")


@dataclass(frozen=True)
class _Alert:
    collection: str
    name: str
    pattern: Chem.Mol


@cache
def _smarts_alerts() -> tuple[_Alert, ...]:
    """Return PAINS and MCF.

    Both lists write hydrogens as atoms. Merged into the counts of their neighbours, the patterns match molecules
    without explicit hydrogens, which takes a third of the time.
    """
    with (Path(RDConfig.RDDataDir) / "Pains" / "wehi_pains.csv").open(encoding="utf-8", newline="") as pains:
        rows = [
            ("PAINS", regid.strip().removeprefix("<regId=").removesuffix(">"), smarts)
            for smarts, regid in csv.reader(pains)
        ]
    with (files("molvae.chem") / "data" / "mcf.csv").open(encoding="utf-8") as mcf:
        rows += [("MCF", row["name"], row["smarts"]) for row in csv.DictReader(mcf)]
    return tuple(
        _Alert(collection, name, Chem.MergeQueryHs(Chem.MolFromSmarts(smarts))) for collection, name, smarts in rows
    )


@cache
def _catalogue(collection: str) -> FilterCatalog:
    parameters = FilterCatalogParams()
    parameters.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, collection))
    return FilterCatalog(parameters)


@cache
def _moses_pains() -> dict[str, Chem.Mol]:
    """Return by name the PAINS patterns that RDKit has corrected since, as the MOSES package has them."""
    with (files("molvae.chem") / "data" / "moses_pains.csv").open(encoding="utf-8") as original:
        return {row["name"]: Chem.MergeQueryHs(Chem.MolFromSmarts(row["smarts"])) for row in csv.DictReader(original)}


def pattern_library(mols: Sequence[Chem.Mol]) -> rdSubstructLibrary.SubstructLibrary:
    """Return a substructure library with pattern fingerprints, which rule out most matches quickly."""
    library = rdSubstructLibrary.SubstructLibrary(rdSubstructLibrary.MolHolder(), rdSubstructLibrary.PatternHolder())
    for mol in mols:
        library.AddMol(mol)
    return library


def structural_alerts(
    mols: Sequence[Chem.Mol],
    collections: Collection[str] = COLLECTIONS,
    library: rdSubstructLibrary.SubstructLibrary | None = None,
) -> list[tuple[str, ...]]:
    """Return the names of the structural alerts in each molecule.

    Args:
        mols: N sanitised molecules; a few hundred at a time are handled fastest.
        collections: Which of `COLLECTIONS` to search.
        library: Their `pattern_library`, if there is one already.

    Returns:
        For each molecule the names such as `PAINS: azo_A(324)`: PAINS first, then BRENK, NIH and MCF.
    """
    if not mols:
        return []
    library = library or pattern_library(mols)
    hits: list[list[_Alert]] = [[] for _ in mols]
    for alert in _smarts_alerts():
        if alert.collection in collections:
            for index in _matches(library, alert.pattern):
                hits[index].append(alert)
    named = []
    for mol, smarts_hits in zip(mols, hits, strict=True):
        by_collection = {
            collection: [f"{collection}: {alert.name}" for alert in smarts_hits if alert.collection == collection]
            if collection in _SMARTS_COLLECTIONS
            else [f"{collection}: {entry.GetDescription()}" for entry in _catalogue(collection).GetMatches(mol)]
            for collection in COLLECTIONS
            if collection in collections
        }
        named.append(tuple(chain.from_iterable(by_collection.values())))
    return named


def passes_moses_filters(
    mols: Sequence[Chem.Mol],
    alerts: Sequence[Sequence[str]],
    library: rdSubstructLibrary.SubstructLibrary | None = None,
) -> list[bool]:
    """Return which molecules pass the filters of the MOSES benchmark.

    A molecule passes if its atoms are C, N, S, O, F, Cl, Br and H, none is charged, no ring has 8 or more atoms, no MCF
    or PAINS pattern matches, and its SMILES without stereochemistry can be read back. Of the 17 PAINS patterns that
    RDKit has corrected, those of the MOSES package count here.

    Args:
        mols: N sanitised molecules; a few hundred at a time are handled fastest.
        alerts: Their names from `structural_alerts`, of PAINS and MCF at least.
        library: Their `pattern_library`, if there is one already.
    """
    if not mols:
        return []
    library, corrected = library or pattern_library(mols), _moses_pains()
    original_hits = {index for pattern in corrected.values() for index in _matches(library, pattern)}
    counted = [
        [name for name in names if name.startswith(MOSES_COLLECTIONS) and name.removeprefix("PAINS: ") not in corrected]
        for names in alerts
    ]
    return [
        not names and index not in original_hits and _is_moses_like(mol)
        for index, (mol, names) in enumerate(zip(mols, counted, strict=True))
    ]


def _is_moses_like(mol: Chem.Mol) -> bool:
    if any(len(ring) > MOSES_MAX_RING_SIZE for ring in mol.GetRingInfo().AtomRings()):
        return False
    if any(atom.GetFormalCharge() != 0 or atom.GetSymbol() not in MOSES_ATOMS for atom in mol.GetAtoms()):
        return False
    return Chem.MolFromSmiles(Chem.MolToSmiles(mol, isomericSmiles=False)) is not None


def _matches(library: rdSubstructLibrary.SubstructLibrary, pattern: Chem.Mol) -> list[int]:
    return list(library.GetMatches(pattern, numThreads=1, maxResults=-1))
