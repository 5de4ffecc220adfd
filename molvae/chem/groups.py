"""Groups of atoms with one free valence, to put into molecules."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random

from rdkit import Chem

from molvae.chem.graph import Graph

MAX_ATOMS = 14
"""Most heavy atoms of a group that is taken from a molecule."""

# Joined by their first atom.
_USUAL = [
    "C", "CC", "C(C)C", "C1CC1", "C(F)(F)F", "C(F)F", "O", "OC", "OCC", "OC(F)(F)F", "N", "NC", "N(C)C", "NC(C)=O",
    "NS(C)(=O)=O", "C(=O)O", "C(=O)OC", "C(N)=O", "C(=O)NC", "C(=O)N(C)C", "C(C)=O", "C#N", "C=C", "C#C",
    "S(C)(=O)=O", "S(N)(=O)=O", "SC", "[N+](=O)[O-]", "F", "Cl", "Br", "CO", "CN", "C1CCCCC1", "c1ccccc1", "c1ccncc1",
    "c1cccnc1", "c1ccccn1", "c1ccoc1", "c1cccs1", "c1ccn[nH]1", "c1nn[nH]n1", "N1CCOCC1", "N1CCNCC1", "N1CCCCC1",
    "N1CCCC1", "Cc1ccccc1",
]  # fmt: skip
# Weights are powers of the counts, so that rare groups are tried too.
_POWER = 0.75


@dataclass(frozen=True)
class Groups:
    """Groups to draw from.

    Attributes:
        graphs: The groups; each is joined to a molecule by its first atom.
        cumulative_weights: Sums of the weights of the groups up to each one.
    """

    graphs: Sequence[Graph]
    cumulative_weights: Sequence[float]

    def draw(self, rng: Random) -> Graph:
        """Draw a group."""
        return rng.choices(self.graphs, cum_weights=self.cumulative_weights)[0]


@cache
def usual_groups() -> Groups:
    """Return some groups that are usual in medicinal chemistry, equally probable."""
    graphs = [Graph.of(Chem.MolFromSmiles(smiles)) for smiles in _USUAL]
    return Groups(graphs, range(1, len(graphs) + 1))


def groups_of(smiles: Sequence[str], n: int) -> Groups:
    """Return the groups that molecules have at their single bonds outside rings, frequent ones more probable.

    Args:
        smiles: Molecules; if they have no such bonds, the usual groups are returned.
        n: How many of the most frequent groups to return at most.
    """
    graphs = (Graph.from_smiles(text) for text in smiles)
    counts = Counter(group for graph in graphs if graph is not None for group in _side_groups(graph))
    if not counts:
        return usual_groups()
    frequent = counts.most_common(n)
    return Groups(
        [Graph.of(Chem.MolFromSmiles(group)) for group, _ in frequent],
        list(accumulate(count**_POWER for _, count in frequent)),
    )


def _side_groups(graph: Graph) -> Iterator[str]:
    """Yield the SMILES of the neutral groups on both sides of each bond that can be cut, attached by the first atom."""
    atoms = set(range(len(graph.elements)))
    for begin, end in graph.chain_bonds:
        side = graph.side(end, [(begin, end)])
        for group, first in ((side, end), (atoms - side, begin)):
            if len(group) <= MAX_ATOMS:
                mol = Chem.MolFromSmiles(Chem.MolFragmentToSmiles(graph.mol, sorted(group), rootedAtAtom=first))
                if mol is not None and Chem.GetFormalCharge(mol) == 0:
                    yield Chem.MolToSmiles(mol, rootedAtAtom=0)
