"""A core: the part of a series of molecules that stays while the rest is varied."""

import re
from dataclasses import dataclass
from functools import cache

from rdkit import Chem

from molvae.chem.quiet import quiet

_ATTACHMENT_POINT = re.compile(r"\[\*:\d+\]")


@dataclass(frozen=True)
class CoreMatch:
    """Where a molecule holds a core.

    Attributes:
        atoms: Indices of the atoms that belong to the core.
        full: Those of them that may have no further substituent.
    """

    atoms: frozenset[int] = frozenset()
    full: frozenset[int] = frozenset()


class Core:
    """A substructure to keep; stereochemistry is ignored.

    A SMARTS pattern may be substituted wherever there is a hydrogen. A molecule with attachment points, `[*:1]`,
    may be substituted there and nowhere else; an attachment point that is not used has a hydrogen.

    Attributes:
        text: The SMARTS pattern, or the SMILES with attachment points.
    """

    def __init__(self, text: str) -> None:
        """Read a SMARTS pattern or a molecule with attachment points.

        Raises:
            ValueError: If it is neither.
        """
        self.text = text
        self._drawn: Chem.Mol | None = None
        if _ATTACHMENT_POINT.search(text):
            self._drawn = _molecule_with_points(text)
            self._pattern, self._max_degrees = _pattern_of(self._drawn)
        else:
            self._pattern, self._max_degrees = _pattern(text), ()

    def match(self, mol: Chem.Mol) -> CoreMatch | None:
        """Return where a sanitised molecule holds the core, the first place of several; None if it does not."""
        atoms: tuple[int, ...] = mol.GetSubstructMatch(self._pattern)
        if not atoms:
            return None
        limits = zip(atoms, self._max_degrees, strict=False)
        full = (atom for atom, limit in limits if mol.GetAtomWithIdx(atom).GetDegree() >= limit)
        return CoreMatch(frozenset(atoms), frozenset(full))

    def is_in(self, mol: Chem.Mol) -> bool:
        """Say whether a sanitised molecule holds the core."""
        return bool(mol.HasSubstructMatch(self._pattern))

    def molecule(self) -> str | None:
        """Return the core as a molecule, hydrogens at its attachment points; None for a pattern that is none."""
        drawn = _drawn_pattern(self._pattern) if self._drawn is None else _capped(self._drawn)
        return Chem.MolToSmiles(drawn) if drawn is not None and self.is_in(drawn) else None


@cache
def read_core(text: str) -> Core:
    """Return the core of a text, the same one for the same text; see `Core`."""
    with quiet():
        return Core(text)


def _pattern(text: str) -> Chem.Mol:
    # RDKit takes what follows a blank for a name, and would keep a part of what was meant.
    pattern = Chem.MolFromSmarts(text) if len(text.split()) == 1 else None
    if pattern is None or pattern.GetNumAtoms() == 0:
        raise ValueError(f"expected a SMARTS pattern, or a molecule with attachment points [*:1], found {text!r}")
    return pattern


def _molecule_with_points(text: str) -> Chem.Mol:
    mol = Chem.MolFromSmiles(text) if len(text.split()) == 1 else None
    if mol is None:
        raise ValueError(f"expected a SMILES with attachment points [*:1], found {text!r}")
    points = [atom for atom in mol.GetAtoms() if not atom.GetAtomicNum()]
    if len(points) == mol.GetNumAtoms():
        raise ValueError(f"expected a molecule with attachment points, found no more than these in {text!r}")
    for point in points:
        bonds = point.GetBonds()
        if len(bonds) != 1 or bonds[0].GetBondType() != Chem.BondType.SINGLE:
            raise ValueError(f"expected attachment points that have one single bond each, found another in {text!r}")
    return mol


def _pattern_of(drawn: Chem.Mol) -> tuple[Chem.Mol, tuple[int, ...]]:
    """Return the query for a molecule with attachment points, and the largest degree of each of its atoms."""
    query = Chem.RWMol(drawn)
    limits: list[int] = []
    query.BeginBatchEdit()
    for atom in drawn.GetAtoms():
        if not atom.GetAtomicNum():
            query.RemoveAtom(atom.GetIdx())
            continue
        degree = atom.GetDegree()
        n_points = sum(not neighbor.GetAtomicNum() for neighbor in atom.GetNeighbors())
        degrees = ",".join(f"D{n}" for n in range(degree - n_points, degree + 1))
        kind = f"#{atom.GetAtomicNum()}&{'a' if atom.GetIsAromatic() else 'A'}&{atom.GetFormalCharge():+d}"
        query.ReplaceAtom(atom.GetIdx(), Chem.MolFromSmarts(f"[{kind};{degrees}]").GetAtomWithIdx(0))
        limits.append(degree)
    query.CommitBatchEdit()
    return query.GetMol(), tuple(limits)


def _capped(drawn: Chem.Mol) -> Chem.Mol:
    """Return a molecule with hydrogens at its attachment points."""
    mol = Chem.RWMol(drawn)
    for atom in mol.GetAtoms():
        if not atom.GetAtomicNum():
            atom.SetAtomicNum(1)
            atom.SetAtomMapNum(0)
    capped = Chem.RemoveHs(mol.GetMol())
    Chem.RemoveStereochemistry(capped)
    return capped


def _drawn_pattern(pattern: Chem.Mol) -> Chem.Mol | None:
    """Return the molecule that has the atoms and bonds of a pattern and no others; None if there is none.

    An atom of several possible elements is taken to be the first of them, any atom to be carbon.
    """
    mol = Chem.RWMol()
    for atom in pattern.GetAtoms():
        new = Chem.Atom(atom.GetAtomicNum() or 6)
        new.SetFormalCharge(atom.GetFormalCharge())
        new.SetIsAromatic(atom.GetIsAromatic())
        mol.AddAtom(new)
    for bond in pattern.GetBonds():
        ends = bond.GetBeginAtom(), bond.GetEndAtom()
        # A bond without a symbol is one that is single or aromatic.
        is_unsaid = bond.GetSmarts() == ""
        is_aromatic = is_unsaid and all(atom.GetIsAromatic() for atom in ends)
        kind = Chem.BondType.AROMATIC if is_aromatic else Chem.BondType.SINGLE if is_unsaid else bond.GetBondType()
        mol.AddBond(*(atom.GetIdx() for atom in ends), kind)
    try:
        Chem.SanitizeMol(mol)
    except ValueError:  # RDKit's errors of sanitisation are ValueErrors
        return None
    return mol.GetMol()
