"""A molecule as a graph to be edited: a Kekulé structure, and what an edit needs to know of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.core import Core, CoreMatch
from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet


@dataclass(frozen=True)
class Graph:
    """A molecule to be edited.

    Attributes:
        mol: Kekulé structure without stereochemistry and without aromatic flags; hydrogens are implicit.
        core: Its atoms that edits leave as they are, with the bonds between them; in most searches there are none.
    """

    mol: Chem.Mol
    core: CoreMatch = field(default_factory=CoreMatch)

    @classmethod
    def of(cls, mol: Chem.Mol, core: Core | None = None) -> "Graph":
        """Prepare a sanitised molecule, which stays as it is; if it holds `core`, that is left alone by edits."""
        graph = Chem.RWMol(mol)
        Chem.RemoveStereochemistry(graph)
        Chem.Kekulize(graph, clearAromaticFlags=True)
        for atom in list(graph.GetAtoms()):
            if atom.GetNoImplicit() or atom.GetNumExplicitHs():
                atom.SetNumExplicitHs(0)
                atom.SetNumRadicalElectrons(0)
                atom.SetNoImplicit(False)
            if atom.GetIsotope():
                atom.SetIsotope(0)
        graph.UpdatePropertyCache(strict=False)
        match = None if core is None else core.match(mol)
        return cls(graph.GetMol(), match or CoreMatch())

    @classmethod
    def from_smiles(cls, smiles: str, core: Core | None = None) -> "Graph | None":
        """Parse and prepare a molecule; None for an invalid SMILES."""
        with quiet():
            mol = parse(smiles)
            return None if mol is None else cls.of(mol, core)

    @cached_property
    def elements(self) -> list[int]:
        """Atomic numbers."""
        return [atom.GetAtomicNum() for atom in self.mol.GetAtoms()]

    @cached_property
    def charge(self) -> int:
        """Net charge."""
        return int(Chem.GetFormalCharge(self.mol))

    @cached_property
    def hydrogens(self) -> list[int]:
        """Hydrogens of each atom, which a new bond may replace."""
        return [atom.GetTotalNumHs() for atom in self.mol.GetAtoms()]

    @cached_property
    def free_atoms(self) -> list[int]:
        """Atoms outside the core."""
        return [index for index in range(self.mol.GetNumAtoms()) if index not in self.core.atoms]

    @cached_property
    def open_atoms(self) -> list[int]:
        """Atoms with a hydrogen that may be replaced."""
        return [index for index, n in enumerate(self.hydrogens) if n and index not in self.core.full]

    @cached_property
    def bonds(self) -> list[tuple[int, int, int, bool]]:
        """Begin, end, order, and whether it is in a ring, of each bond."""
        return [
            (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), int(bond.GetBondTypeAsDouble()), bond.IsInRing())
            for bond in self.mol.GetBonds()
        ]

    @cached_property
    def neighbors(self) -> list[list[int]]:
        """Neighbours of each atom."""
        adjacent: list[list[int]] = [[] for _ in range(self.mol.GetNumAtoms())]
        for begin, end, _, _ in self.bonds:
            adjacent[begin].append(end)
            adjacent[end].append(begin)
        return adjacent

    @cached_property
    def order(self) -> dict[tuple[int, int], int]:
        """Bond order of each pair of bonded atoms, both ways round."""
        orders = {(begin, end): order for begin, end, order, _ in self.bonds}
        return orders | {(end, begin): order for (begin, end), order in orders.items()}

    @cached_property
    def valences(self) -> list[int]:
        """Bonds of each atom to heavy atoms, a double one counted twice."""
        return [
            sum(self.order[atom, neighbor] for neighbor in neighbors) for atom, neighbors in enumerate(self.neighbors)
        ]

    @cached_property
    def free_bonds(self) -> list[tuple[int, int, int, bool]]:
        """The bonds that are not between two atoms of the core."""
        core = self.core.atoms
        return [bond for bond in self.bonds if not (bond[0] in core and bond[1] in core)]

    @cached_property
    def chain_bonds(self) -> list[tuple[int, int]]:
        """Free single bonds outside rings: a cut gives two parts."""
        return [(begin, end) for begin, end, order, in_ring in self.free_bonds if order == 1 and not in_ring]

    @cached_property
    def ring_bonds(self) -> list[tuple[int, int]]:
        """Free bonds in rings."""
        return [(begin, end) for begin, end, _, in_ring in self.free_bonds if in_ring]

    @cached_property
    def rings(self) -> list[tuple[int, ...]]:
        """Atoms of each ring, in their order around it."""
        return list(self.mol.GetRingInfo().AtomRings())

    @cached_property
    def distances(self) -> NDArray[np.floating[Any]]:
        """Number of bonds between all pairs of atoms, (N, N)."""
        return np.array(Chem.GetDistanceMatrix(self.mol, force=True))

    def side(self, start: int, cut: Iterable[tuple[int, int]]) -> set[int]:
        """Return the atoms that are reached from `start` when some bonds are cut."""
        closed = {pair for begin, end in cut for pair in ((begin, end), (end, begin))}
        reached, todo = {start}, [start]
        while todo:
            atom = todo.pop()
            for neighbor in self.neighbors[atom]:
                if neighbor not in reached and (atom, neighbor) not in closed:
                    reached.add(neighbor)
                    todo.append(neighbor)
        return reached
