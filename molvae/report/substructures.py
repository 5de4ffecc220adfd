"""Substructures to choose candidates by: functional groups and ring systems, looked for when the page is made.

RDKit's JavaScript build would search for any pattern in the page, but is 6 MB alone, more than the page may weigh.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from rdkit import Chem

from molvae.chem.molecules import parse
from molvae.chem.ring_systems import ring_systems

MAX_RING_SYSTEMS = 24
"""Ring systems that are offered, the most frequent."""

FUNCTIONAL_GROUPS = {
    "amide": "[CX3](=O)[NX3]",
    "primary amide": "[CX3](=O)[NX3H2]",
    "lactam": "[CX3;R](=O)[NX3;R]",
    "urea": "[NX3][CX3](=O)[NX3]",
    "carbamate": "[NX3][CX3](=O)[OX2][#6]",
    "ester": "[#6][CX3](=O)[OX2][#6]",
    "carboxylic acid": "[CX3](=O)[OX2H1,OX1-]",
    "ketone": "[#6][CX3](=O)[#6]",
    "aldehyde": "[CX3H1](=O)[#6]",
    "alcohol": "[CX4][OX2H]",
    "phenol": "c[OX2H]",
    "ether": "[OD2;!$(O[C]=O)]([#6])[#6]",
    "methoxy": "[OX2][CH3]",
    "primary amine": "[NX3;H2;!$(N[C,S]=[O,S,N])][#6]",
    "secondary amine": "[NX3;H1;!$(N[C,S]=[O,S,N])]([#6])[#6]",
    "tertiary amine": "[NX3;H0;!$(N[C,S]=[O,S,N])]([#6])([#6])[#6]",
    "aniline": "[NX3;!$(N[C,S]=[O,S,N])]c",
    "nitrile": "[CX2]#[NX1]",
    "nitro": "[NX3+](=O)[O-]",
    "sulfonamide": "[SX4](=O)(=O)[NX3]",
    "sulfone": "[#6][SX4](=O)(=O)[#6]",
    "thioether": "[#6][SX2;!r][#6]",
    "fluorine": "F",
    "trifluoromethyl": "C(F)(F)F",
    "chlorine": "Cl",
    "bromine": "Br",
    "alkene": "[CX3;!$(C=O)]=[CX3]",
    "alkyne": "[CX2]#[CX2]",
    "pyridine": "n1ccccc1",
    "benzene": "c1ccccc1",
}
"""SMARTS of the functional groups by name."""


@dataclass(frozen=True)
class Substructure:
    """A substructure of some candidates.

    Attributes:
        name: Its name, or the SMILES of a ring system.
        pattern: SMARTS of a functional group; SMILES of a ring system.
        rows: Places of the candidates that have it.
    """

    name: str
    pattern: str
    rows: tuple[int, ...]


def functional_groups(smiles: Sequence[str]) -> list[Substructure]:
    """Return the functional groups that some of the molecules have, and some have not, the most frequent first."""
    mols = [parse(text) for text in smiles]
    found = [
        Substructure(name, FUNCTIONAL_GROUPS[name], _places(mols, pattern)) for name, pattern in _patterns().items()
    ]
    return _telling(found, len(smiles))


def ring_systems_of(smiles: Sequence[str]) -> list[Substructure]:
    """Return the most frequent ring systems that some of the molecules have, and some have not."""
    systems: dict[str, list[int]] = {}
    for place, text in enumerate(smiles):
        mol = parse(text)
        for system in sorted(set(ring_systems(mol))) if mol is not None else []:
            systems.setdefault(system, []).append(place)
    found = [Substructure(system, system, tuple(rows)) for system, rows in systems.items()]
    return _telling(found, len(smiles))[:MAX_RING_SYSTEMS]


def _telling(substructures: list[Substructure], n: int) -> list[Substructure]:
    telling = [substructure for substructure in substructures if 0 < len(substructure.rows) < n]
    return sorted(telling, key=lambda substructure: -len(substructure.rows))


def _places(mols: Sequence[Chem.Mol | None], pattern: Chem.Mol) -> tuple[int, ...]:
    return tuple(place for place, mol in enumerate(mols) if mol is not None and mol.HasSubstructMatch(pattern))


@cache
def _patterns() -> dict[str, Chem.Mol]:
    return {name: Chem.MolFromSmarts(smarts) for name, smarts in FUNCTIONAL_GROUPS.items()}
