"""Random edits of molecular graphs: the mutations and crossovers of genetic algorithms.

Molecules are edited as Kekulé structures without stereochemistry, by direct changes and one sanitisation, so that a
child takes a fraction of a millisecond. Where a graph has a core, edits leave it alone.

References:
    Jensen, A graph-based genetic algorithm and generative model/Monte Carlo tree search for the exploration of chemical
    space, Chemical Science 2019, doi:10.1039/C8SC05372C. Instead of by reaction SMARTS, the graph is changed directly;
    moving a group, exchanging two atoms and replacing a group by a common one are added.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from random import Random
from typing import TypeVar

from rdkit import Chem
from rdkit.Chem import rdqueries

from molvae.chem.graph import Graph
from molvae.chem.groups import Groups, usual_groups

MIN_RING_SIZE, MAX_RING_SIZE = 3, 8
MAX_ATTEMPTS = 8
"""Edits that are tried for one child before it is given up."""

# Valences of neutral atoms, the largest that an edit gives them, and how often an edit chooses them.
_VALENCE = {5: 3, 6: 4, 7: 3, 8: 2, 9: 1, 14: 4, 15: 5, 16: 6, 17: 1, 35: 1, 53: 1}
_ELEMENT_WEIGHTS = {6: 0.4, 7: 0.2, 8: 0.16, 9: 0.07, 16: 0.06, 17: 0.06, 35: 0.03, 15: 0.01, 53: 0.01}
_HALOGENS = (9, 17, 35, 53)
# Elements that an edit does not join.
_UNSTABLE = {
    8: frozenset((8, *_HALOGENS)),
    7: frozenset(_HALOGENS),
    16: frozenset((17, 35, 53)),
    **{halogen: frozenset((7, 8, *_HALOGENS)) for halogen in _HALOGENS},
}
_RING_SIZE_WEIGHTS = {3: 1.0, 4: 1.0, 5: 6.0, 6: 8.0, 7: 1.0, 8: 0.3}
_MAX_GROUP = 12
_ORDERS = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}
Option = TypeVar("Option")


class _ImpossibleError(Exception):
    """The edit that was drawn cannot be made here."""


class _Editor:
    """A copy of a graph in which bonds are made and broken; what should not be in a molecule is refused."""

    def __init__(self, mol: Chem.Mol) -> None:
        self.mol = Chem.RWMol(mol)

    def add(self, element: int) -> int:
        return int(self.mol.AddAtom(Chem.Atom(element)))

    def bond(self, a: int, b: int, order: int = 1) -> None:
        if a == b or self.mol.GetBondBetweenAtoms(a, b) is not None or self.is_unstable(a, b):
            raise _ImpossibleError
        self.mol.AddBond(a, b, _ORDERS[order])

    def is_unstable(self, a: int, b: int) -> bool:
        first, second = (self.mol.GetAtomWithIdx(atom).GetAtomicNum() for atom in (a, b))
        return second in _UNSTABLE.get(first, ())

    def cut(self, a: int, b: int) -> None:
        self.mol.RemoveBond(a, b)

    def keep(self, atoms: Iterable[int]) -> None:
        kept = set(atoms)
        self.mol.BeginBatchEdit()
        for index in range(self.mol.GetNumAtoms()):
            if index not in kept:
                self.mol.RemoveAtom(index)
        self.mol.CommitBatchEdit()

    def insert(self, mol: Chem.Mol) -> int:
        """Add the atoms and bonds of another molecule; return the offset of its atom indices."""
        shift = int(self.mol.GetNumAtoms())
        self.mol.InsertMol(mol)
        return shift


def _element(rng: Random, valence: int) -> int:
    """Draw an element that can have so many bonds."""
    allowed = [element for element in _ELEMENT_WEIGHTS if _VALENCE[element] >= valence]
    return rng.choices(allowed, [_ELEMENT_WEIGHTS[element] for element in allowed])[0]


def _pick(options: Sequence[Option], rng: Random) -> Option:
    if not options:
        raise _ImpossibleError
    return options[int(rng.random() * len(options))]


def _append_atom(graph: Graph, rng: Random) -> Chem.RWMol:
    """Replace a hydrogen by an atom."""
    at = _pick(graph.open_atoms, rng)
    order = rng.choices((1, 2, 3), (0.75, 0.22, 0.03))[0]
    if order > graph.hydrogens[at] or at in graph.core.atoms:
        order = 1
    editor = _Editor(graph.mol)
    editor.bond(at, editor.add(_element(rng, order)), order)
    return editor.mol


def _insert_atom(graph: Graph, rng: Random) -> Chem.RWMol:
    """Put an atom between two bonded ones, also in a ring, which it enlarges."""
    begin, end, _, _ = _pick(graph.free_bonds, rng)
    editor = _Editor(graph.mol)
    editor.cut(begin, end)
    new = editor.add(_element(rng, 2))
    editor.bond(begin, new)
    editor.bond(new, end)
    return editor.mol


def _delete_atom(graph: Graph, rng: Random) -> Chem.RWMol:
    """Remove an atom of at most three neighbours; they are joined to one of them."""
    if len(graph.elements) < 2:
        raise _ImpossibleError
    at = _pick(graph.free_atoms, rng)
    neighbors = list(graph.neighbors[at])
    if len(neighbors) > 3:
        raise _ImpossibleError
    rng.shuffle(neighbors)
    gains_degree = len(neighbors) > 2 and neighbors[0] in graph.core.full
    if gains_degree or len(graph.core.atoms.intersection(neighbors)) > 1:
        raise _ImpossibleError
    editor = _Editor(graph.mol)
    for other in neighbors[1:]:
        if editor.mol.GetBondBetweenAtoms(neighbors[0], other) is None:
            editor.bond(neighbors[0], other)
    editor.mol.RemoveAtom(at)
    return editor.mol


def _change_atom(graph: Graph, rng: Random) -> Chem.RWMol:
    """Change an element."""
    at = _pick(graph.free_atoms, rng)
    editor = _Editor(graph.mol)
    _set_element(editor, graph, at, _element(rng, graph.valences[at]))
    return editor.mol


def _exchange_atoms(graph: Graph, rng: Random) -> Chem.RWMol:
    """Exchange the elements of two atoms, which keeps the composition of heavy atoms."""
    first = _pick(graph.free_atoms, rng)
    second = _pick([i for i in graph.free_atoms if graph.valences[i] <= _VALENCE.get(graph.elements[first], 0)], rng)
    editor = _Editor(graph.mol)
    _set_element(editor, graph, first, graph.elements[second])
    _set_element(editor, graph, second, graph.elements[first])
    return editor.mol


def _set_element(editor: _Editor, graph: Graph, at: int, element: int) -> None:
    if element == graph.elements[at] or graph.valences[at] > _VALENCE.get(element, 0):
        raise _ImpossibleError
    atom = editor.mol.GetAtomWithIdx(at)
    atom.SetAtomicNum(element)
    atom.SetFormalCharge(0)
    if any(editor.is_unstable(at, neighbor) for neighbor in graph.neighbors[at]):
        raise _ImpossibleError


def _change_order(graph: Graph, rng: Random) -> Chem.RWMol:
    """Raise or lower the order of a bond by one."""
    begin, end, order, in_ring = _pick(graph.free_bonds, rng)
    if not graph.core.atoms.isdisjoint((begin, end)):
        raise _ImpossibleError
    can_rise = order < (2 if in_ring else 3) and graph.hydrogens[begin] and graph.hydrogens[end]
    if not can_rise and order == 1:
        raise _ImpossibleError
    new = order + 1 if can_rise and (order == 1 or rng.random() < 0.3) else order - 1
    editor = _Editor(graph.mol)
    editor.mol.GetBondBetweenAtoms(begin, end).SetBondType(_ORDERS[new])
    return editor.mol


def _open_ring(graph: Graph, rng: Random) -> Chem.RWMol:
    """Remove a bond of a ring."""
    begin, end = _pick(graph.ring_bonds, rng)
    editor = _Editor(graph.mol)
    editor.cut(begin, end)
    return editor.mol


def _close_ring(graph: Graph, rng: Random) -> Chem.RWMol:
    """Join two atoms that have hydrogens by a bond."""
    at = _pick(graph.open_atoms, rng)
    sizes = graph.distances[at] + 1
    ends = [i for i in graph.open_atoms if MIN_RING_SIZE <= sizes[i] <= MAX_RING_SIZE]
    if not ends:
        raise _ImpossibleError
    end = rng.choices(ends, [_RING_SIZE_WEIGHTS[int(sizes[i])] for i in ends])[0]
    if graph.core.atoms.issuperset((at, end)):
        raise _ImpossibleError
    editor = _Editor(graph.mol)
    editor.bond(at, end)
    return editor.mol


def _cut_group(graph: Graph, rng: Random) -> tuple[int, int, set[int]]:
    """Draw a group on a single bond: the atom that it is bound to, its first atom, and all of its atoms.

    It is the smaller part of the molecule, or the one without the core.
    """
    begin, end = _pick(graph.chain_bonds, rng)
    group, core = graph.side(end, [(begin, end)]), graph.core.atoms
    if not core.isdisjoint(group) if core else 2 * len(group) > len(graph.elements):
        begin, end, group = end, begin, set(range(len(graph.elements))) - group
    if len(group) > _MAX_GROUP or not core.isdisjoint(group):
        raise _ImpossibleError
    return begin, end, group


def _move_group(graph: Graph, rng: Random) -> Chem.RWMol:
    """Move a group to another atom, which keeps the composition."""
    at, first, group = _cut_group(graph, rng)
    target = _pick([i for i in graph.open_atoms if i not in group and i != at], rng)
    editor = _Editor(graph.mol)
    editor.cut(at, first)
    editor.bond(target, first)
    return editor.mol


def _exchange_group(graph: Graph, rng: Random, groups: Groups) -> Chem.RWMol:
    """Replace a group, or a hydrogen, by another group."""
    new = groups.draw(rng)
    if rng.random() < 0.3:
        at, removed = _pick(graph.open_atoms, rng), set[int]()
    else:
        at, _, removed = _cut_group(graph, rng)
    editor = _Editor(graph.mol)
    shift = editor.insert(new.mol)
    editor.bond(at, shift)
    editor.keep(i for i in range(editor.mol.GetNumAtoms()) if i not in removed)
    return editor.mol


_MUTATIONS: dict[Callable[[Graph, Random], Chem.RWMol], float] = {
    _append_atom: 1.5,
    _insert_atom: 1.0,
    _delete_atom: 1.5,
    _change_atom: 2.0,
    _exchange_atoms: 1.0,
    _change_order: 1.0,
    _open_ring: 0.5,
    _close_ring: 1.0,
    _move_group: 1.5,
}
_GROUP_FRACTION = 0.25
"""Fraction of the mutations that exchange a group; the others are drawn by the weights above."""


def mutate(graph: Graph, rng: Random, max_atoms: int, groups: Groups | None = None) -> Chem.Mol | None:
    """Return a molecule that differs from `graph` by one random edit.

    Args:
        graph: The parent.
        rng: Random number generator.
        max_atoms: Most heavy atoms.
        groups: Groups that others are replaced by; by default the usual ones.

    Returns:
        The sanitised child, without stereochemistry; None where none of a few attempts gave a molecule.
    """
    edits = rng.choices(list(_MUTATIONS), list(_MUTATIONS.values()), k=MAX_ATTEMPTS)

    def attempt(number: int) -> Chem.RWMol:
        if rng.random() < _GROUP_FRACTION:
            return _exchange_group(graph, rng, groups or usual_groups())
        return edits[number](graph, rng)

    return _first(attempt, max_atoms, {0, graph.charge})


def cross(first: Graph, second: Graph, rng: Random, max_atoms: int) -> Chem.Mol | None:
    """Return a molecule made of a part of `first`, which has its whole core, and a part of `second`.

    Half of the children are joined by one bond outside of rings, half by two bonds of a ring.

    Args:
        first: One parent.
        second: The other parent.
        rng: Random number generator.
        max_atoms: Most heavy atoms.

    Returns:
        The sanitised child, without stereochemistry; None where none of a few attempts gave a molecule.
    """

    def attempt(_: int) -> Chem.RWMol:
        cut = _cut_ring if rng.random() < 0.5 else _cut_chain
        kept, ends = _with_core(cut(first, rng), first.core.atoms)
        others, other_ends = cut(second, rng)[0]
        if not 3 <= len(kept) + len(others) <= max_atoms:
            raise _ImpossibleError
        if rng.random() < 0.5:
            other_ends.reverse()
        editor = _Editor(first.mol)
        shift = editor.insert(second.mol)
        for (a, order), (b, other_order) in zip(ends, other_ends, strict=True):
            editor.bond(a, shift + b, min(order, other_order))
        editor.keep([*kept, *(shift + i for i in others)])
        return editor.mol

    return _first(attempt, max_atoms, {0, first.charge, second.charge})


_Part = tuple[set[int], list[tuple[int, int]]]
"""Atoms, and those of them where bonds were cut, with the orders of the bonds."""


def _with_core(parts: tuple[_Part, _Part], core: frozenset[int]) -> _Part:
    """Return the first of two parts, or the second if that has the core and the first has not."""
    for part in parts:
        if core <= part[0]:
            return part
    raise _ImpossibleError


def _cut_chain(graph: Graph, rng: Random) -> tuple[_Part, _Part]:
    begin, end = _pick(graph.chain_bonds, rng)
    if rng.random() < 0.5:
        begin, end = end, begin
    part = graph.side(begin, [(begin, end)])
    return (part, [(begin, 1)]), (set(range(len(graph.elements))) - part, [(end, 1)])


def _cut_ring(graph: Graph, rng: Random) -> tuple[_Part, _Part]:
    """Cut two bonds of a ring, so that two parts are left."""
    ring = _pick(graph.rings, rng)
    bonds = [(ring[i - 1], ring[i]) for i in range(len(ring))]
    (a, b), (c, d) = cut = [bonds[i] for i in sorted(rng.sample(range(len(bonds)), 2))]
    # One part holds the ring's atoms from b to c, the other those from d to a.
    part = graph.side(b, cut)
    if a in part:
        raise _ImpossibleError
    first, second = graph.order[a, b], graph.order[c, d]
    parts = (part, [(b, first), (c, second)]), (set(range(len(graph.elements))) - part, [(a, first), (d, second)])
    return parts if rng.random() < 0.5 else parts[::-1]


def _first(attempt: Callable[[int], Chem.RWMol], max_atoms: int, charges: set[int]) -> Chem.Mol | None:
    """Return the first attempt that gives a molecule with one of these charges."""
    for number in range(MAX_ATTEMPTS):
        try:
            mol = attempt(number)
            if mol.GetNumAtoms() > max_atoms:
                continue
            _neutralise(mol)
            Chem.SanitizeMol(mol)
        except (_ImpossibleError, ValueError):  # RDKit's errors of sanitisation are ValueErrors
            continue
        if Chem.GetFormalCharge(mol) in charges and _is_sensible(mol):
            return mol.GetMol()
    return None


def _neutralise(mol: Chem.RWMol) -> None:
    """Remove charges that an edit has left without their counterpart, and those of salts."""
    for atom in mol.GetAtomsMatchingQuery(_charged()):
        charge = atom.GetFormalCharge()
        if not any(neighbor.GetFormalCharge() * charge < 0 for neighbor in atom.GetNeighbors()):
            bonds = sum(bond.GetBondTypeAsDouble() for bond in atom.GetBonds())
            if bonds <= _VALENCE.get(atom.GetAtomicNum(), 0):
                atom.SetFormalCharge(0)


def _is_sensible(mol: Chem.RWMol) -> bool:
    """Say whether rings have ordinary sizes and no cumulated or triple bonds."""
    if any(not MIN_RING_SIZE <= len(ring) <= MAX_RING_SIZE for ring in mol.GetRingInfo().AtomRings()):
        return False
    return not mol.GetAtomsMatchingQuery(_sp_in_ring())


# Queries, because a loop over atoms takes many times as long.
@cache
def _charged() -> Chem.QueryAtom:
    return rdqueries.FormalChargeEqualsQueryAtom(0, True)


@cache
def _sp_in_ring() -> Chem.QueryAtom:
    query = rdqueries.IsInRingQueryAtom()
    query.ExpandQuery(rdqueries.HybridizationEqualsQueryAtom(Chem.HybridizationType.SP))
    return query
