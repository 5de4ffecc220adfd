"""One row of a file becomes a molecule with its SELFIES, or a reject with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial

from rdkit import Chem
from rdkit.Chem import rdqueries

from molvae.chem.alerts import COLLECTIONS, MOSES_COLLECTIONS, passes_moses_filters, structural_alerts
from molvae.chem.descriptors import PROPERTIES
from molvae.chem.molecules import MAX_SMILES_LENGTH, parse, radical_atoms, why_not_a_molecule
from molvae.chem.quiet import quiet
from molvae.chem.reading import Record
from molvae.chem.scaffolds import murcko_scaffold
from molvae.chem.selfies_codec import selfies_constraints, selfies_to_smiles, smiles_to_selfies
from molvae.chem.standardise import Standardised, Steps, metals_in_complexes, standardise
from molvae.chem.timeout import Outcome, map_within
from molvae.config import PrepareConfig
from molvae.vocabulary import split_selfies


class Reason(StrEnum):
    """Why a row is not among the molecules: all the values of `reason` in rejected.csv."""

    NO_STRUCTURE = "no structure"
    """The row has no SMILES: an empty cell, a row of the wrong width, or a structure that cannot be read."""
    NOT_A_MOLECULE = "not a molecule"
    """It does not parse: bad syntax or valence."""
    TOO_SLOW = "too slow"
    """It took longer than the time limit."""
    CRASHED = "crashed"
    """The chemistry library broke off on it."""
    NO_STANDARD_FORM = "no standard form"
    """It cannot be standardised: a metal complex, mostly."""
    RADICAL = "radical"
    """It has unpaired electrons: nearly always a hydrogen forgotten in the drawing."""
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
    """It has a structural alert, or fails the rules, of one of the filters."""
    NO_SELFIES = "no SELFIES"
    """SELFIES cannot express it."""
    TOO_LONG = "too long"
    """Its SELFIES has too many tokens."""
    ROUND_TRIP = "round trip"
    """Its SELFIES stands for another molecule."""
    RARE_TOKEN = "rare token"
    """It has a token that too few molecules have, or is held out and has one that no training molecule has."""
    NO_SPLIT = "no split"
    """Its cell in the split column says neither train, validation nor test."""
    DUPLICATE = "duplicate"
    """The same molecule came before."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A molecule that passed all that can be judged of it alone.

    Attributes:
        smiles: Canonical SMILES of its standard form.
        selfies: Its SELFIES.
        n_tokens: Number of SELFIES tokens.
        scaffold: Its Bemis-Murcko scaffold, empty if it has none or the split does not ask for it.
        steps: The steps of standardisation that changed it.
    """

    smiles: str
    selfies: str
    n_tokens: int
    scaffold: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is no molecule for us.

    Attributes:
        reason: Why.
        detail: What was found, for the person who wants to put it right.
    """

    reason: Reason
    detail: str


Conversion = Accepted | Refused


def convert_all(records: Sequence[Record], config: PrepareConfig) -> list[Conversion]:
    """Convert records, in order, and reject those that take too long or bring the libraries down; see `convert`."""
    outcomes: list[Conversion] = []
    with quiet(), selfies_constraints(config.selfies_constraints):
        for outcome in map_within(partial(_convert_record, config=config), records, config.time_limit_s):
            if outcome is Outcome.TOO_SLOW:
                outcome = Refused(Reason.TOO_SLOW, f"more than {config.time_limit_s:g} s")
            elif outcome is Outcome.CRASHED:
                outcome = Refused(Reason.CRASHED, "")
            outcomes.append(outcome)
        return _filtered(outcomes, config) if config.filters else outcomes


def _convert_record(record: Record, config: PrepareConfig) -> Conversion:
    return convert(record.smiles, config) if record.smiles else Refused(Reason.NO_STRUCTURE, record.problem)


def convert(smiles: str, config: PrepareConfig) -> Conversion:
    """Standardise a molecule, check it against the settings, and write it as SELFIES that means the same molecule.

    The filters are not looked at here: they are cheaper for many molecules at once.
    """
    if not smiles:
        return Refused(Reason.NO_STRUCTURE, "")
    if len(smiles) > MAX_SMILES_LENGTH:
        return Refused(Reason.TOO_LARGE, f"characters: {len(smiles)}")
    form = standardise(smiles, Steps.of(config))
    if form is None:
        mol = parse(smiles)
        if mol is None:
            return Refused(Reason.NOT_A_MOLECULE, why_not_a_molecule(smiles))
        metals = metals_in_complexes(mol)
        return Refused(Reason.NO_STANDARD_FORM, f"complex of {' '.join(metals)}" if metals else "")
    fault = _fault(form.mol, config)
    return fault or _encode(form, config)


def _fault(mol: Chem.Mol, config: PrepareConfig) -> Refused | None:
    """Return what the settings have against a molecule in standard form."""
    foreign = mol.GetAtomsMatchingQuery(_other_elements(tuple(config.elements)))
    if len(foreign):
        return Refused(Reason.ELEMENT, " ".join(sorted({atom.GetSymbol() for atom in foreign})))
    if radical_atoms(mol):
        return Refused(Reason.RADICAL, Chem.MolToSmiles(mol))
    n_heavy = mol.GetNumHeavyAtoms()
    if n_heavy < config.min_heavy_atoms:
        return Refused(Reason.TOO_SMALL, f"heavy atoms: {n_heavy}")
    if n_heavy > config.max_heavy_atoms:
        return Refused(Reason.TOO_LARGE, f"heavy atoms: {n_heavy}")
    if config.min_mol_weight > 0.0 or config.max_mol_weight is not None:
        weight = PROPERTIES["mol_weight"].compute(mol)
        if not config.min_mol_weight <= weight <= (config.max_mol_weight or weight):
            return Refused(Reason.WEIGHT, f"{weight:.1f} Da")
    if config.max_ring_size is not None:
        largest = max(map(len, mol.GetRingInfo().AtomRings()), default=0)
        if largest > config.max_ring_size:
            return Refused(Reason.RING_SIZE, f"ring of {largest} atoms")
    charge = Chem.GetFormalCharge(mol)
    if config.max_charge is not None and abs(charge) > config.max_charge:
        return Refused(Reason.CHARGE, f"{charge:+d}")
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
        return Refused(Reason.NO_SELFIES, form.smiles)
    n_tokens = len(split_selfies(selfies))
    if n_tokens > config.max_selfies_length:
        return Refused(Reason.TOO_LONG, f"tokens: {n_tokens}")
    back = selfies_to_smiles(selfies)
    if back != form.smiles:
        return Refused(Reason.ROUND_TRIP, f"{form.smiles} became {back or 'no molecule'} ({selfies})")
    scaffold = murcko_scaffold(form.mol) if config.split == "scaffold" else ""
    return Accepted(form.smiles, selfies, n_tokens, scaffold, form.steps)


def _filtered(outcomes: Sequence[Conversion], config: PrepareConfig) -> list[Conversion]:
    """Refuse what the filters refuse."""
    moses = "MOSES" in config.filters
    wanted = [each for each in COLLECTIONS if each in config.filters or (moses and each in MOSES_COLLECTIONS)]
    accepted = [each for each in outcomes if isinstance(each, Accepted)]
    mols = [Chem.MolFromSmiles(each.smiles) for each in accepted]
    alerts = structural_alerts(mols, wanted)
    passes = passes_moses_filters(mols, alerts) if moses else [True] * len(mols)
    faults = {}
    for each, names, is_fit in zip(accepted, alerts, passes, strict=True):
        if names:
            faults[each.smiles] = "; ".join(names)
        elif not is_fit:
            faults[each.smiles] = "MOSES: an element, a charge or a ring that the set excludes"
    return [
        Refused(Reason.FILTER, faults[each.smiles]) if isinstance(each, Accepted) and each.smiles in faults else each
        for each in outcomes
    ]
