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
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path

from rdkit import Chem, RDConfig
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from molvae.chem.pattern_set import PatternBits, PatternSet, pattern_bits

MOSES_ATOMS = frozenset({"C", "N", "S", "O", "F", "Cl", "Br", "H"})
MOSES_MAX_RING_SIZE = 7
COLLECTIONS = ("PAINS", "BRENK", "NIH", "MCF")
# Those for which RDKit has no catalogue, or a slow one.
_SMARTS_COLLECTIONS = ("PAINS", "MCF")
# The collections whose hits fail a molecule in MOSES.
MOSES_COLLECTIONS = ("PAINS", "MCF")


@cache
def _smarts_alerts(collection: str) -> tuple[list[str], PatternSet]:
    """Return the names and the patterns of PAINS or MCF.

    Both lists write hydrogens as atoms. Merged into the counts of their neighbours, the patterns match molecules
    without explicit hydrogens, which takes a third of the time.
    """
    if collection == "PAINS":
        with (Path(RDConfig.RDDataDir) / "Pains" / "wehi_pains.csv").open(encoding="utf-8", newline="") as pains:
            rows = [
                (regid.strip().removeprefix("<regId=").removesuffix(">"), smarts) for smarts, regid in csv.reader(pains)
            ]
    else:
        with (files("molvae.chem") / "data" / "mcf.csv").open(encoding="utf-8") as mcf:
            rows = [(row["name"], row["smarts"]) for row in csv.DictReader(mcf)]
    return [f"{collection}: {name}" for name, _ in rows], _patterns([smarts for _, smarts in rows])


def _patterns(smarts: Sequence[str]) -> PatternSet:
    return PatternSet([Chem.MergeQueryHs(Chem.MolFromSmarts(text)) for text in smarts])


@cache
def _catalogue(collection: str) -> FilterCatalog:
    parameters = FilterCatalogParams()
    parameters.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, collection))
    return FilterCatalog(parameters)


@cache
def _moses_pains() -> tuple[frozenset[str], PatternSet]:
    """Return names and patterns of those of PAINS that RDKit has corrected since, as the MOSES package has them."""
    with (files("molvae.chem") / "data" / "moses_pains.csv").open(encoding="utf-8") as original:
        rows = list(csv.DictReader(original))
    return frozenset(row["name"] for row in rows), _patterns([row["smarts"] for row in rows])


def structural_alerts(
    mols: Sequence[Chem.Mol], collections: Collection[str] = COLLECTIONS, bits: PatternBits | None = None
) -> list[tuple[str, ...]]:
    """Return the names of the structural alerts in each molecule.

    Args:
        mols: N sanitised molecules.
        collections: Which of `COLLECTIONS` to search.
        bits: Their `pattern_bits`, if they are there already.

    Returns:
        For each molecule the names such as `PAINS: azo_A(324)`: PAINS first, then BRENK, NIH and MCF.
    """
    bits = pattern_bits(mols) if bits is None else bits
    chosen = [collection for collection in COLLECTIONS if collection in collections]
    return [
        tuple(chain.from_iterable(_hits(collection, mol, of_mol) for collection in chosen))
        for mol, of_mol in zip(mols, bits, strict=True)
    ]


def _hits(collection: str, mol: Chem.Mol, bits: PatternBits) -> list[str]:
    if collection not in _SMARTS_COLLECTIONS:
        return [f"{collection}: {entry.GetDescription()}" for entry in _catalogue(collection).GetMatches(mol)]
    names, patterns = _smarts_alerts(collection)
    return [names[index] for index in patterns.matches(mol, bits)]


def passes_moses_filters(
    mols: Sequence[Chem.Mol], alerts: Sequence[Sequence[str]], bits: PatternBits | None = None
) -> list[bool]:
    """Return which molecules pass the filters of the MOSES benchmark.

    A molecule passes if its atoms are C, N, S, O, F, Cl, Br and H, none is charged, no ring has 8 or more atoms, no MCF
    or PAINS pattern matches, and its SMILES without stereochemistry can be read back. Of the 17 PAINS patterns that
    RDKit has corrected, those of the MOSES package count here.

    Args:
        mols: N sanitised molecules.
        alerts: Their names from `structural_alerts`, of PAINS and MCF at least.
        bits: Their `pattern_bits`, if they are there already.
    """
    bits = pattern_bits(mols) if bits is None else bits
    corrected, original = _moses_pains()
    counted = [
        [name for name in names if name.startswith(MOSES_COLLECTIONS) and name.removeprefix("PAINS: ") not in corrected]
        for names in alerts
    ]
    return [
        not names and not original.matches(mol, of_mol) and _is_moses_like(mol)
        for mol, names, of_mol in zip(mols, counted, bits, strict=True)
    ]


def _is_moses_like(mol: Chem.Mol) -> bool:
    if any(len(ring) > MOSES_MAX_RING_SIZE for ring in mol.GetRingInfo().AtomRings()):
        return False
    if any(atom.GetFormalCharge() != 0 or atom.GetSymbol() not in MOSES_ATOMS for atom in mol.GetAtoms()):
        return False
    return Chem.MolFromSmiles(Chem.MolToSmiles(mol, isomericSmiles=False)) is not None
