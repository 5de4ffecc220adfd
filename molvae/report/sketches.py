"""Molecules in a few hundred bytes: what the page's script needs to draw them and to write them to an SD file.

A sketch is one string. All numbers are written in base 64, most significant digit first:

    n  atoms (2 digits), then for each atom x and y (2 digits each, hundredths of an angstrom from the least x and y,
       or less where the molecule is longer than 40 angstroms)
    m  bonds (2 digits), then for each bond its two atoms (1 digit each, 2 above 64 atoms) and its type (1 digit)
    labels of the atoms that are not carbon or bear a charge, as `place:element:hydrogens:charge`, each after a blank

Types of bonds: 1 single, 2 double, 3 triple, 4 wedged, 5 hashed (from the first atom), 6 double of either geometry.
"""

from functools import lru_cache

from rdkit import Chem
from rdkit.Chem import rdDepictor

from molvae.chem.molecules import parse

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
MAX_ATOMS = 999
"""Atoms of an SD file's V2000 block."""
MAX_COORDINATE = len(DIGITS) ** 2 - 1
"""The largest coordinate of two digits."""
_ORDER = {Chem.BondType.DOUBLE: 2, Chem.BondType.TRIPLE: 3}
_WEDGE = {Chem.BondDir.BEGINWEDGE: 4, Chem.BondDir.BEGINDASH: 5}


@lru_cache(maxsize=16384)
def sketch(smiles: str) -> str:
    """Return the sketch of a molecule; an empty string if `smiles` is none, or has more atoms than an SD file takes."""
    mol = parse(smiles)
    if mol is None or mol.GetNumAtoms() > MAX_ATOMS:
        return ""
    Chem.FindPotentialStereoBonds(mol)
    hydrogens = [atom.GetTotalNumHs() for atom in mol.GetAtoms()]
    rdDepictor.Compute2DCoords(mol, canonOrient=True)
    rdDepictor.StraightenDepiction(mol)
    Chem.Kekulize(mol, clearAromaticFlags=True)
    Chem.WedgeMolBonds(mol, mol.GetConformer())
    points = mol.GetConformer().GetPositions()[:, :2]
    extent = points - points.min(axis=0)
    # A long chain is drawn whole, with shorter bonds.
    coordinates = (extent * min(100.0, MAX_COORDINATE / max(float(extent.max()), 1.0))).round().astype(int)
    width = 1 if mol.GetNumAtoms() <= len(DIGITS) else 2
    atoms = "".join(_digits(int(value), 2) for point in coordinates for value in point)
    bonds = "".join(
        _digits(bond.GetBeginAtomIdx(), width) + _digits(bond.GetEndAtomIdx(), width) + _digits(_type(bond), 1)
        for bond in mol.GetBonds()
    )
    labels = [
        f" {atom.GetIdx()}:{atom.GetSymbol()}:{hydrogens[atom.GetIdx()]}:{atom.GetFormalCharge()}"
        for atom in mol.GetAtoms()
        if atom.GetAtomicNum() != 6 or atom.GetFormalCharge() or atom.GetDegree() == 0
    ]
    return f"{_digits(mol.GetNumAtoms(), 2)}{atoms}{_digits(mol.GetNumBonds(), 2)}{bonds}{''.join(labels)}"


def _type(bond: Chem.Bond) -> int:
    if bond.GetStereo() == Chem.BondStereo.STEREOANY:
        return 6
    return _WEDGE.get(bond.GetBondDir(), _ORDER.get(bond.GetBondType(), 1))


def _digits(value: int, n: int) -> str:
    """Return a number of at most `n` digits in base 64."""
    return "".join(DIGITS[value // len(DIGITS) ** place % len(DIGITS)] for place in reversed(range(n)))
