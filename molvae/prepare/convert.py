"""One row of a file becomes a molecule with its SELFIES, or a reject with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rdkit import Chem

from molvae.chem.molecules import parse, why_not_a_molecule
from molvae.chem.quiet import quiet
from molvae.chem.reading import Record
from molvae.chem.scaffolds import murcko_scaffold
from molvae.chem.selfies_codec import selfies_to_smiles, smiles_to_selfies
from molvae.chem.standardise import Standardised, metals_in_complexes, standardise
from molvae.chem.vocabulary import split_selfies
from molvae.config import PrepareConfig


class Reason(StrEnum):
    """Why a row is not among the molecules: all the values of `reason` in rejected.csv."""

    NO_STRUCTURE = "no structure"
    """The row has no SMILES: an empty cell, a row of the wrong width, or a structure that cannot be read."""
    NOT_A_MOLECULE = "not a molecule"
    """It does not parse: bad syntax or valence."""
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
    NO_SELFIES = "no SELFIES"
    """SELFIES cannot express it."""
    TOO_LONG = "too long"
    """Its SELFIES has too many tokens."""
    ROUND_TRIP = "round trip"
    """Its SELFIES stands for another molecule."""
    RARE_TOKEN = "rare token"
    """It is held out, and has a token that no training molecule has."""
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


def convert_all(records: Sequence[Record], config: PrepareConfig) -> list[Accepted | Refused]:
    """Convert records, in order; see `convert`."""
    with quiet():
        return [convert(record.smiles, config) for record in records]


def convert(smiles: str, config: PrepareConfig) -> Accepted | Refused:
    """Standardise a molecule, check it against the settings, and write it as SELFIES that means the same molecule."""
    if not smiles:
        return Refused(Reason.NO_STRUCTURE, "")
    form = standardise(
        smiles,
        largest_fragment=config.largest_fragment,
        neutralise=config.neutralise,
        stereo=config.stereo == "keep",
    )
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
    atoms = list(mol.GetAtoms())
    others = {atom.GetSymbol() for atom in atoms}.difference(config.elements, ("H",))
    if others:
        return Refused(Reason.ELEMENT, " ".join(sorted(others)))
    if any(atom.GetNumRadicalElectrons() for atom in atoms):
        return Refused(Reason.RADICAL, Chem.MolToSmiles(mol))
    n_heavy = mol.GetNumHeavyAtoms()
    if n_heavy < config.min_heavy_atoms:
        return Refused(Reason.TOO_SMALL, f"heavy atoms: {n_heavy}")
    if n_heavy > config.max_heavy_atoms:
        return Refused(Reason.TOO_LARGE, f"heavy atoms: {n_heavy}")
    return None


def _encode(form: Standardised, config: PrepareConfig) -> Accepted | Refused:
    selfies = smiles_to_selfies(form.smiles)
    if selfies is None:
        return Refused(Reason.NO_SELFIES, form.smiles)
    n_tokens = len(split_selfies(selfies))
    if n_tokens > config.max_selfies_length:
        return Refused(Reason.TOO_LONG, f"tokens: {n_tokens}")
    back = selfies_to_smiles(selfies)
    if back != form.smiles:
        return Refused(Reason.ROUND_TRIP, f"{form.smiles} became {back or 'no molecule'}")
    scaffold = murcko_scaffold(form.mol) if config.split == "scaffold" else ""
    return Accepted(form.smiles, selfies, n_tokens, scaffold, form.steps)
