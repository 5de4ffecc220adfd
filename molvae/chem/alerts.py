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
    in Pharmacology 2020, doi:10.3389/fphar.2020.565644.
"""

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from rdkit import Chem, RDConfig
from rdkit.Chem import rdSubstructLibrary
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

MOSES_ATOMS = frozenset({"C", "N", "S", "O", "F", "Cl", "Br", "H"})
MOSES_LARGEST_RING = 7
COLLECTIONS = ("PAINS", "BRENK", "NIH", "MCF")
# The collections whose hits fail a molecule in MOSES.
MOSES_COLLECTIONS = ("PAINS", "MCF")


@dataclass(frozen=True)
class _Alert:
    name: str
    pattern: Chem.Mol


@cache
def _smarts_alerts() -> tuple[_Alert, ...]:
    """Return PAINS and MCF.

    Both lists write hydrogens as atoms. Merged into the counts of their neighbours, the patterns match molecules
    without explicit hydrogens, which takes a third of the time.
    """
    with (Path(RDConfig.RDDataDir) / "Pains" / "wehi_pains.csv").open(newline="") as pains:
        rows = [
            (f"PAINS: {regid.strip().removeprefix('<regId=').removesuffix('>')}", smarts)
            for smarts, regid in csv.reader(pains)
        ]
    with (files("molvae.chem") / "data" / "mcf.csv").open() as mcf:
        rows += [(f"MCF: {row['name']}", row["smarts"]) for row in csv.DictReader(mcf)]
    return tuple(_Alert(name, Chem.MergeQueryHs(Chem.MolFromSmarts(smarts))) for name, smarts in rows)


@cache
def _catalogue(collection: str) -> FilterCatalog:
    parameters = FilterCatalogParams()
    parameters.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, collection))
    return FilterCatalog(parameters)


def structural_alerts(mols: Sequence[Chem.Mol], collections: Collection[str] = COLLECTIONS) -> list[tuple[str, ...]]:
    """Name the structural alerts that each molecule hits.

    Args:
        mols: N sanitised molecules; a few hundred at a time are handled fastest.
        collections: Which collections to look through; all by default.

    Returns:
        For each molecule the names such as `PAINS: azo_A(324)`: PAINS first, then BRENK, NIH and MCF.
    """
    if not mols:
        return []
    # The library's pattern fingerprints rule out most pairs of molecule and pattern before a match is tried.
    library = rdSubstructLibrary.SubstructLibrary(rdSubstructLibrary.MolHolder(), rdSubstructLibrary.PatternHolder())
    for mol in mols:
        library.AddMol(mol)
    hits: list[list[str]] = [[] for _ in mols]
    for alert in _smarts_alerts():
        if alert.name.partition(":")[0] not in collections:
            continue
        for index in library.GetMatches(alert.pattern, numThreads=1, maxResults=-1):
            hits[index].append(alert.name)
    named = []
    for mol, smarts_hits in zip(mols, hits, strict=True):
        pains = [name for name in smarts_hits if name.startswith("PAINS")]
        catalogued = [
            f"{collection}: {entry.GetDescription()}"
            for collection in ("BRENK", "NIH")
            if collection in collections
            for entry in _catalogue(collection).GetMatches(mol)
        ]
        named.append((*pains, *catalogued, *smarts_hits[len(pains) :]))
    return named


def passes_moses_filters(mol: Chem.Mol, alerts: Sequence[str]) -> bool:
    """Say whether a molecule passes the filters by which the MOSES set was made.

    It passes if its atoms are C, N, S, O, F, Cl, Br and H, none is charged, no ring has 8 or more atoms, no MCF or
    PAINS pattern matches, and its SMILES without stereochemistry can be read back.

    Args:
        mol: A sanitised molecule.
        alerts: Its names from `structural_alerts`.
    """
    if any(name.startswith(MOSES_COLLECTIONS) for name in alerts):
        return False
    if any(len(ring) > MOSES_LARGEST_RING for ring in mol.GetRingInfo().AtomRings()):
        return False
    if any(atom.GetFormalCharge() != 0 or atom.GetSymbol() not in MOSES_ATOMS for atom in mol.GetAtoms()):
        return False
    return Chem.MolFromSmiles(Chem.MolToSmiles(mol, isomericSmiles=False)) is not None
