"""Parse molecules and write them in canonical form.

RDKit reports what it cannot parse on stderr; wrap work on many molecules in `molvae.chem.quiet.quiet`.
"""

import re
from functools import cache

from rdkit import Chem
from rdkit.Chem import rdqueries

MAX_SMILES_LENGTH = 10_000
"""Characters above which a SMILES is no molecule here: RDKit's parser descends once for each branch, and a chain of
them can take it beyond the end of its stack."""

# What the canonical SMILES of a molecule without stereochemistry and isotopes cannot have.
_STEREO_OR_ISOTOPE = re.compile(r"[@/\\]|\[\d")

# With no more characters, and no more of the ring labels after the ten digits, a string is too short for a ring of
# thousands of atoms, and has too few labels for a graph in which every atom is bound to all others.
_ORDINARY_LENGTH = 500
_ORDINARY_LARGE_LABELS = 10


def is_ordinary(smiles: str) -> bool:
    """Return whether a string is short and simple enough to be handled without a limit on time and memory.

    Others should be handled by `molvae.chem.timeout.map_within`. Nearly all molecules are ordinary; an ordinary string
    need not be a molecule.
    """
    return len(smiles) <= _ORDINARY_LENGTH and smiles.count("%") <= _ORDINARY_LARGE_LABELS


def parse(smiles: str) -> Chem.Mol | None:
    """Return the molecule of a SMILES, or None if there is none, it has no atoms, or the text is too long."""
    if len(smiles) > MAX_SMILES_LENGTH:
        return None
    mol: Chem.Mol | None = Chem.MolFromSmiles(smiles)
    return mol if mol is not None and mol.GetNumAtoms() > 0 else None


def canonical_smiles(smiles: str, *, stereo: bool = True) -> str | None:
    """Return RDKit's canonical SMILES, or None if the input is no molecule.

    Args:
        smiles: Any SMILES.
        stereo: Whether to keep stereochemistry; isotopes go the same way, since SMILES writes both or neither.
    """
    mol = parse(smiles)
    return None if mol is None else Chem.MolToSmiles(mol, isomericSmiles=stereo)


def radical_atoms(mol: Chem.Mol) -> list[Chem.Atom]:
    """Return the atoms with unpaired electrons."""
    return list(mol.GetAtomsMatchingQuery(_radical()))


@cache
def _radical() -> Chem.QueryAtom:
    # A loop over atoms takes five times as long.
    return rdqueries.NumRadicalElectronsGreaterQueryAtom(0)


def without_radicals(smiles: str) -> str:
    """Let hydrogens fill the open valences of a molecule's atoms, and return its canonical SMILES.

    An atom in brackets has the hydrogens that are written there and no more: `C[CH]C` is a radical.

    Args:
        smiles: Canonical SMILES.
    """
    if "[" not in smiles:
        return smiles
    mol = Chem.MolFromSmiles(smiles)
    open_atoms = radical_atoms(mol)
    if not open_atoms:
        return smiles
    for atom in open_atoms:
        atom.SetNumRadicalElectrons(0)
        atom.SetNoImplicit(False)
    # Read again, because what was a stereocentre may be none with two hydrogens.
    return canonical_smiles(Chem.MolToSmiles(mol)) or smiles


def without_stereo(mol: Chem.Mol, smiles: str) -> tuple[str, Chem.Mol]:
    """Leave out stereochemistry and isotopes.

    Args:
        mol: A molecule.
        smiles: Its canonical SMILES.

    Returns:
        Canonical SMILES and molecule, those given where there is nothing to leave out. Hydrogens that were atoms of
        their own because they marked stereochemistry are so in the SMILES (`[H]N=C`), and in the molecule no longer.
    """
    if not _STEREO_OR_ISOTOPE.search(smiles):
        return smiles, mol
    flat = Chem.MolToSmiles(mol, isomericSmiles=False)
    return flat, parse(flat) or mol


def why_not_a_molecule(smiles: str) -> str:
    """Say in a few words why `parse` gives None for this SMILES, in RDKit's terms where it has some."""
    if len(smiles) > MAX_SMILES_LENGTH:
        return f"{len(smiles):,} characters, more than {MAX_SMILES_LENGTH:,}"
    mol: Chem.Mol | None = Chem.MolFromSmiles(smiles, sanitize=False)
    if mol is None:
        return "not SMILES"
    problems = [problem.Message() for problem in Chem.DetectChemistryProblems(mol)]
    return problems[0] if problems else "no atoms"
