"""Convert one row of a file to a molecule with its SELFIES, or reject it with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial

from rdkit import Chem
from rdkit.Chem import rdqueries

from molvae.chem.alerts import COLLECTIONS, MOSES_COLLECTIONS, passes_moses_filters, structural_alerts
from molvae.chem.descriptors import PROPERTIES
from molvae.chem.molecules import MAX_SMILES_LENGTH, parse, radical_atoms, why_not_a_molecule, why_several
from molvae.chem.quiet import quiet
from molvae.chem.reading import Record
from molvae.chem.scaffolds import murcko_scaffold
from molvae.chem.selfies_codec import selfies_constraints, selfies_to_smiles, smiles_to_selfies
from molvae.chem.standardise import STEREO_GROUPS, Standardised, Steps, metals_in_complexes, standardise
from molvae.chem.timeout import Outcome, map_within
from molvae.config import PrepareConfig
from molvae.vocabulary import split_selfies


class Reason(StrEnum):
    """Why a row is rejected: the values of `reason` in rejected.csv."""

    NO_STRUCTURE = "no structure"
    """The row has no SMILES: an empty cell, a row of the wrong width, or a structure that cannot be read."""
    NOT_A_MOLECULE = "not a molecule"
    """It does not parse: bad syntax or valence, or text after the SMILES."""
    NOT_ONE_MOLECULE = "not one molecule"
    """It stands for several: a polymer, a repeated group, a group whose position varies, a query."""
    ENHANCED_STEREO = "racemate or unknown enantiomer"
    """Its enhanced stereochemistry says so, and the settings reject it."""
    TOO_SLOW = "too slow"
    """It took longer than the time limit."""
    CRASHED = "crashed"
    """The chemistry library crashed on it."""
    NO_STANDARD_FORM = "no standard form"
    """It cannot be standardised: a metal complex, mostly."""
    RADICAL = "radical"
    """It has unpaired electrons, nearly always because the drawing lacks a hydrogen."""
    ELEMENT = "element"
    """It has an element that the settings exclude, or a placeholder atom."""
    TOO_SMALL = "too small"
    """It has too few heavy atoms."""
    TOO_LARGE = "too large"
    """It has too many heavy atoms."""
    WEIGHT = "molecular weight"
    """Its molecular weight is out of range."""
    RING_SIZE = "ring size"
    """It has a ring of too many atoms."""
    CHARGE = "charge"
    """Its net charge is too large."""
    FILTER = "filter"
    """It has a structural alert of one of the filters, or fails the MOSES filters."""
    NO_SELFIES = "no SELFIES"
    """It has no SELFIES under the bonding constraints."""
    TOO_LONG = "too long"
    """Its SELFIES has too many tokens."""
    ROUND_TRIP = "round trip"
    """Its SELFIES decodes to another molecule."""
    RARE_TOKEN = "rare token"
    """It has a token that occurs in too few molecules, or, if held out, in no training molecule."""
    NO_SPLIT = "no split"
    """Its value in the split column is neither train, validation nor test."""
    DUPLICATE = "duplicate"
    """The same molecule came before."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A molecule that passes every check that can be made without the other rows.

    Attributes:
        smiles: Canonical SMILES of its standard form.
        selfies: Its SELFIES.
        n_tokens: Number of SELFIES tokens.
        scaffold: Its Bemis-Murcko scaffold; empty if it has none or the split does not need it.
        steps: The steps of standardisation that changed it.
    """

    smiles: str
    selfies: str
    n_tokens: int
    scaffold: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is rejected.

    Attributes:
        reason: Why.
        detail: What is wrong with it, for the person who corrects the file.
    """

    reason: Reason
    detail: str


Conversion = Accepted | Rejected


def convert_all(records: Sequence[Record], config: PrepareConfig) -> list[Conversion]:
    """Convert records, in order, and reject those that exceed the time limit or crash the libraries; see `convert`."""
    outcomes: list[Conversion] = []
    with quiet(), selfies_constraints(config.selfies_constraints):
        for outcome in map_within(partial(_convert_record, config=config), records, config.time_limit_s):
            if outcome is Outcome.TOO_SLOW:
                outcome = Rejected(Reason.TOO_SLOW, f"more than {config.time_limit_s:g} s")
            elif outcome is Outcome.CRASHED:
                outcome = Rejected(Reason.CRASHED, "")
            outcomes.append(outcome)
        return _filtered(outcomes, config) if config.filters else outcomes


def _convert_record(record: Record, config: PrepareConfig) -> Conversion:
    return convert(record.smiles, config) if record.smiles else Rejected(Reason.NO_STRUCTURE, record.problem)


def convert(smiles: str, config: PrepareConfig) -> Conversion:
    """Standardise a molecule, check it against the settings, and encode it as SELFIES that decodes to it.

    The filters are not applied here: they are faster for many molecules at once.
    """
    if not smiles:
        return Rejected(Reason.NO_STRUCTURE, "")
    if len(smiles) > MAX_SMILES_LENGTH:
        return Rejected(Reason.TOO_LARGE, f"characters: {len(smiles)}")
    form = standardise(smiles, Steps.of(config))
    if form is None:
        mol = parse(smiles)
        if mol is None:
            several = why_several(smiles)
            reason = Reason.NOT_ONE_MOLECULE if several else Reason.NOT_A_MOLECULE
            return Rejected(reason, several or why_not_a_molecule(smiles))
        metals = metals_in_complexes(mol)
        return Rejected(Reason.NO_STANDARD_FORM, f"complex of {' '.join(metals)}" if metals else "")
    if config.enhanced_stereo == "reject" and STEREO_GROUPS in form.steps:
        return Rejected(Reason.ENHANCED_STEREO, "")
    return _check(form.mol, config) or _encode(form, config)


def _check(mol: Chem.Mol, config: PrepareConfig) -> Rejected | None:
    """Check a standardised molecule against the settings; None if it passes."""
    disallowed = mol.GetAtomsMatchingQuery(_other_elements(tuple(config.elements)))
    if len(disallowed):
        return Rejected(Reason.ELEMENT, " ".join(sorted({atom.GetSymbol() for atom in disallowed})))
    if radical_atoms(mol):
        return Rejected(Reason.RADICAL, Chem.MolToSmiles(mol))
    n_heavy = mol.GetNumHeavyAtoms()
    if n_heavy < config.min_heavy_atoms:
        return Rejected(Reason.TOO_SMALL, f"heavy atoms: {n_heavy}")
    if n_heavy > config.max_heavy_atoms:
        return Rejected(Reason.TOO_LARGE, f"heavy atoms: {n_heavy}")
    if config.min_mol_weight > 0.0 or config.max_mol_weight is not None:
        weight = PROPERTIES["mol_weight"].compute(mol)
        if not config.min_mol_weight <= weight <= (config.max_mol_weight or weight):
            return Rejected(Reason.WEIGHT, f"{weight:.1f} Da")
    if config.max_ring_size is not None:
        largest = max(map(len, mol.GetRingInfo().AtomRings()), default=0)
        if largest > config.max_ring_size:
            return Rejected(Reason.RING_SIZE, f"ring of {largest} atoms")
    charge = Chem.GetFormalCharge(mol)
    if config.max_charge is not None and abs(charge) > config.max_charge:
        return Rejected(Reason.CHARGE, f"{charge:+d}")
    return None


@cache
def _other_elements(elements: tuple[str, ...]) -> Chem.QueryAtom:
    """Return a query for atoms of none of these elements nor hydrogen; a loop over atoms takes five times as long."""
    table = Chem.GetPeriodicTable()
    query = rdqueries.AtomNumEqualsQueryAtom(1, negate=True)
    for element in elements:
        other = rdqueries.AtomNumEqualsQueryAtom(table.GetAtomicNumber(element), negate=True)
        query.ExpandQuery(other, Chem.CompositeQueryType.COMPOSITE_AND)
    return query


def _encode(form: Standardised, config: PrepareConfig) -> Conversion:
    selfies = smiles_to_selfies(form.smiles)
    if selfies is None:
        return Rejected(Reason.NO_SELFIES, form.smiles)
    n_tokens = len(split_selfies(selfies))
    if n_tokens > config.max_selfies_length:
        return Rejected(Reason.TOO_LONG, f"tokens: {n_tokens}")
    back = selfies_to_smiles(selfies)
    if back != form.smiles:
        return Rejected(Reason.ROUND_TRIP, f"{form.smiles} became {back or 'no molecule'} ({selfies})")
    scaffold = murcko_scaffold(form.mol) if config.split == "scaffold" else ""
    return Accepted(form.smiles, selfies, n_tokens, scaffold, form.steps)


def _filtered(outcomes: Sequence[Conversion], config: PrepareConfig) -> list[Conversion]:
    """Reject the molecules that fail a filter."""
    moses = "MOSES" in config.filters
    names = {*config.filters, *(MOSES_COLLECTIONS if moses else ())}
    smiles = [outcome.smiles for outcome in outcomes if isinstance(outcome, Accepted)]
    mols = list(map(Chem.MolFromSmiles, smiles))
    alerts = structural_alerts(mols, [collection for collection in COLLECTIONS if collection in names])
    passes = passes_moses_filters(mols, alerts) if moses else [True] * len(mols)
    details = {}
    for molecule, hits, passed in zip(smiles, alerts, passes, strict=True):
        if hits:
            details[molecule] = "; ".join(hits)
        elif not passed:
            details[molecule] = "MOSES: an element, a charge or a ring that the set excludes"
    return [
        Rejected(Reason.FILTER, details[outcome.smiles])
        if isinstance(outcome, Accepted) and outcome.smiles in details
        else outcome
        for outcome in outcomes
    ]
