"""Parse molecules and write them in canonical form.

RDKit reports what it cannot parse on stderr; wrap work on many molecules in `molvae.chem.quiet.quiet`.
"""

import re
from collections.abc import Iterable
from functools import cache

from rdkit import Chem
from rdkit.Chem import rdqueries

MAX_SMILES_LENGTH = 10_000
"""Characters above which a SMILES is no molecule here: RDKit's parser descends once for each branch, and a chain of
them can take it beyond the end of its stack."""

# What the canonical SMILES of a molecule without stereochemistry and isotopes cannot have.
_STEREO_OR_ISOTOPE = re.compile(r"[@/\\]|\[\d")

# What CXSMILES puts after a blank; nothing else may follow.
_EXTENSION = re.compile(r"\|[^|]*\|")
# The mark of relative stereochemistry: no centre of the drawing is known as such.
_ALL_RELATIVE = re.compile(r"(?:^|[,|])r(?::[\d,]*)?(?:$|[,|])")
_REPEATED_UNITS = frozenset(["SRU", "MON", "MER", "COP", "CRO", "MOD", "GRA", "ANY"])
_MAX_SHOWN = 80

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
    """Return the molecule of a SMILES, or None if there is none, it has no atoms, or the text is too long.

    After the SMILES, a blank and an extension in bars (CXSMILES) may follow, and nothing else: RDKit ignores what
    does, which may be the other half of a mixture. Stereocentres of racemates and of unknown enantiomers are left
    open, and what stands for several molecules (a polymer, a repeated or movable group, a query) is none.
    """
    mol = parse_drawing(smiles)
    return mol if mol is None or "|" not in smiles else flatten_stereo_groups(mol)[0]


def parse_drawing(smiles: str) -> Chem.Mol | None:
    """Return the molecule of a SMILES as `parse` does, with the groups of its enhanced stereochemistry kept."""
    if len(smiles) > MAX_SMILES_LENGTH or _text_after(smiles):
        return None
    mol: Chem.Mol | None = Chem.MolFromSmiles(smiles)
    if mol is None or mol.GetNumAtoms() == 0 or ("|" in smiles and several_molecules(mol)):
        return None
    return mol


def flatten_stereo_groups(mol: Chem.Mol) -> tuple[Chem.Mol, bool]:
    """Leave the stereocentres open that enhanced stereochemistry says are mixed (`and`) or unknown (`or`).

    Returns:
        The molecule without groups, the given one if it has none, and whether there was anything to leave open.
    """
    all_relative = mol.HasProp("_CXSMILES_Data") and _ALL_RELATIVE.search(mol.GetProp("_CXSMILES_Data"))
    groups = mol.GetStereoGroups()
    if not groups and not all_relative:
        return mol, False
    flat = Chem.RWMol(mol)
    mixed = [group for group in groups if group.GetGroupType() != Chem.StereoGroupType.STEREO_ABSOLUTE]
    for group in mixed:
        for atom in group.GetAtoms():
            flat.GetAtomWithIdx(atom.GetIdx()).SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
        for bond in group.GetBonds():
            flat.GetBondWithIdx(bond.GetIdx()).SetStereo(Chem.BondStereo.STEREONONE)
    if all_relative:
        for atom in flat.GetAtoms():
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
        flat.ClearProp("_CXSMILES_Data")
    flat.SetStereoGroups([])
    # What was a centre only next to another one is none any more.
    Chem.AssignStereochemistry(flat, cleanIt=True, force=True)
    return flat.GetMol(), bool(mixed or all_relative)


def several_molecules(mol: Chem.Mol) -> str:
    """Say by which feature a drawing stands for several molecules or a part of one; empty if it stands for one."""
    if any(group.GetProp("TYPE") in _REPEATED_UNITS for group in Chem.GetMolSubstanceGroups(mol)):
        return "the brackets of a polymer"
    if mol.HasProp("_molLinkNodes"):
        return "a link node, an atom that is repeated"
    if any(bond.HasProp("_MolFileBondEndPts") for bond in mol.GetBonds()):
        return "a group whose position varies"
    if any(atom.HasProp("molAttchpt") or "_AP" in _label(atom) for atom in mol.GetAtoms()):
        return "an attachment point"
    # Placeholder atoms are queries too, and rejected as what they are.
    if any(atom.HasQuery() and atom.GetAtomicNum() for atom in mol.GetAtoms()):
        return "an atom of a query"
    if any(bond.HasQuery() for bond in mol.GetBonds()):
        return "a bond of a query"
    return ""


def _label(atom: Chem.Atom) -> str:
    return str(atom.GetProp("atomLabel")) if atom.HasProp("atomLabel") else ""


def _text_after(smiles: str) -> str:
    """Return what follows a SMILES after a blank, but for an extension."""
    parts = smiles.split(maxsplit=1)
    return _EXTENSION.sub("", parts[1], count=1).strip() if len(parts) > 1 else ""


def canonical_smiles(smiles: str, *, stereo: bool = True) -> str | None:
    """Return RDKit's canonical SMILES, or None if the input is no molecule.

    Args:
        smiles: Any SMILES.
        stereo: Whether to keep stereochemistry; isotopes go the same way, since SMILES writes both or neither.
    """
    mol = parse(smiles)
    return None if mol is None else Chem.MolToSmiles(mol, isomericSmiles=stereo)


def flat_forms(smiles: Iterable[str]) -> set[str]:
    """Return the canonical SMILES without stereochemistry and isotopes of those of some molecules that have either."""
    mols = ((text, parse(text)) for text in smiles if _STEREO_OR_ISOTOPE.search(text))
    # Of the molecule that is read again: what was deuterium is written as an atom, and no longer needs to be.
    return {Chem.MolToSmiles(without_stereo(mol, text)[1]) for text, mol in mols if mol is not None}


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
    if after := _text_after(smiles):
        return f"text after a blank: {after[:_MAX_SHOWN]!r}"
    plain, *extension = smiles.split(maxsplit=1)[:2] or [""]
    mol: Chem.Mol | None = Chem.MolFromSmiles(plain, sanitize=False)
    if mol is None:
        return "not SMILES"
    problems: list[str] = [problem.Message() for problem in Chem.DetectChemistryProblems(mol)]
    if problems:
        return problems[0]
    if extension and Chem.MolFromSmiles(plain) is not None:
        return why_several(smiles) or f"an extension that cannot be read: {extension[0][:_MAX_SHOWN]}"
    return "no atoms"


def why_several(smiles: str) -> str:
    """Say by which feature of its extension a SMILES stands for several molecules; empty if by none."""
    mol = Chem.MolFromSmiles(smiles) if "|" in smiles and not _text_after(smiles) else None
    return "" if mol is None else several_molecules(mol)
