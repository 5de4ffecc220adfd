"""Ring systems of molecules, and how common they are in a reference set.

References:
    Walters, useful_rdkit_utils, class RingSystemFinder: the definition, used there with frequencies in ChEMBL to find
    unusual generated molecules.
    Ertl, Magic rings: navigation in the ring chemical space guided by the bioactive rings, Journal of Chemical
    Information and Modeling 2022, doi:10.1021/acs.jcim.1c00761.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from rdkit import Chem

_BRACKET_ATOM = re.compile(r"\[[^]]*\]")


class Familiarity(NamedTuple):
    """How familiar the ring systems of a molecule are from a reference set.

    Attributes:
        fraction: Fraction of its ring systems that occur in the reference, in [0, 1]; 1 without rings.
        rarest: Number of occurrences of the rarest of them; None without rings.
    """

    fraction: float
    rarest: int | None


def ring_systems(mol: Chem.Mol) -> list[str]:
    """Cut every single bond outside rings and return the pieces that have a ring, with hydrogens at the cuts.

    So fused, bridged and spiro rings stay together, and a ring keeps its exocyclic double bonds (C=O), even to another
    ring.

    Returns:
        Canonical SMILES without stereochemistry and isotopes, as often as they occur; none without rings.
    """
    if not mol.GetRingInfo().NumRings():
        return []
    ends = mol.GetSubstructMatches(_acyclic_single_bond(), maxMatches=mol.GetNumBonds())
    links = [mol.GetBondBetweenAtoms(*atoms).GetIdx() for atoms in ends]
    pieces = Chem.FragmentOnBonds(mol, links, addDummies=False) if links else mol
    return list(filter(_has_ring, Chem.MolToSmiles(pieces, isomericSmiles=False).split(".")))


@cache
def _acyclic_single_bond() -> Chem.Mol:
    # A loop over bonds takes twice as long.
    return Chem.MolFromSmarts("*-;!@*")


def has_broken_aromatic(mol: Chem.Mol) -> bool:
    """Return whether a ring has two conjugated double bonds and is not aromatic, as cyclohexadiene and 3H-pyrrole.

    Quinones, pyranones and dihydropyridines in their usual 1,4 form have none: their double bonds are apart.
    """
    matches = mol.GetSubstructMatches(_ring_diene())
    # Not across two rings, as in many a steroid.
    return bool(matches) and any({*match} <= {*ring} for ring in mol.GetRingInfo().AtomRings() for match in matches)


@cache
def _ring_diene() -> Chem.Mol:
    atom = "[#6,#7;!a;R]"
    return Chem.MolFromSmarts(f"{atom}=@{atom}-@{atom}=@{atom}")


def _has_ring(smiles: str) -> bool:
    """Return whether a SMILES has a ring label: a digit that is not part of an atom in brackets."""
    return any(map(str.isdigit, _BRACKET_ATOM.sub("", smiles)))


def familiarity(systems: Sequence[str], reference: Mapping[str, int]) -> Familiarity:
    """Look up the ring systems of a molecule in a reference set.

    Args:
        systems: Ring systems of the molecule, from `ring_systems`.
        reference: Number of occurrences of each ring system in the reference.
    """
    if not systems:
        return Familiarity(1.0, None)
    counts = [reference.get(system, 0) for system in systems]
    return Familiarity(sum(count > 0 for count in counts) / len(counts), min(counts))


def unseen(systems: Sequence[str], reference: Mapping[str, int]) -> list[str]:
    """Return the ring systems of a molecule that a reference set does not have, each once, in their order.

    Args:
        systems: Ring systems of the molecule, from `ring_systems`.
        reference: Number of occurrences of each ring system in the reference.
    """
    return [system for system in dict.fromkeys(systems) if not reference.get(system, 0)]
