"""Cores, and edits that leave them alone."""

from random import Random

import pytest
from rdkit import Chem

from molvae.chem.core import Core, read_core
from molvae.chem.edits import cross, mutate
from molvae.chem.graph import Graph
from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet

OTHERS = ["CC(=O)Nc1ccc(O)cc1", "CN1CCN(c2nc(Cl)ncc2F)CC1", "CS(=O)(=O)NC1CC2CCC1C2", "Cc1ccc2[nH]ccc2c1"]


def test_a_pattern_may_be_substituted_anywhere():
    core = Core("c1ccccc1C(=O)N")
    match = core.match(parse("Cc1ccc(C(=O)NC)cc1"))
    assert (len(match.atoms), match.full) == (9, frozenset())
    assert core.match(parse("c1ccccc1")) is None


def test_a_molecule_with_attachment_points_is_substituted_there_only():
    core = Core("O=C(N[*:1])c1ccccc1")
    assert core.is_in(parse("O=C(NC)c1ccccc1"))
    assert core.is_in(parse("O=C(N)c1ccccc1"))
    assert not core.is_in(parse("O=C(N)c1ccccc1C"))
    assert not core.is_in(parse("O=C(N(C)C)c1ccccc1"))


def test_an_attachment_point_that_is_used_is_full():
    core, smiles = Core("[*:1]CCO"), "CCO"
    assert len(core.match(parse(smiles)).full) == 2
    assert len(core.match(parse("C" + smiles)).full) == 3


@pytest.mark.parametrize(
    ("text", "molecule"),
    [
        ("O=C(N[*:1])c1ccc([*:2])cc1", "NC(=O)c1ccccc1"),
        ("c1ccn([*:1])c1", "c1cc[nH]c1"),
        ("c1ccc(-c2ccccn2)cc1", "c1ccc(-c2ccccn2)cc1"),
        ("C=FC", None),
        ("[c,n]1ccccc1", "c1ccccc1"),
    ],
)
def test_a_core_by_itself_is_a_molecule_if_it_can_be(text, molecule):
    assert Core(text).molecule() == molecule


@pytest.mark.parametrize("text", ["c1cc(", "c1ccccc1 benzene", "", "[*:1]", "C[*:1]C", "c1cc([*:1])"])
def test_what_is_no_core_is_refused(text):
    with pytest.raises(ValueError, match="expected a"):
        read_core(text)


CORES = [
    ("c1ccc(-c2cn3ccccc3n2)cc1", "CN(C)C(=O)Cc1c(nc2ccc(C)cn12)-c1ccc(C)cc1"),
    ("O=C(N[*:2])c1ccc([*:1])cc1", "CCNC(=O)c1ccc(OC)cc1"),
    ("[*:1]N1CCN([*:2])CC1", "CC(=O)N1CCN(CCO)CC1"),
    ("NS(=O)(=O)c1ccccc1", "Cc1ccc(Oc2ccc(S(=O)(=O)Nc3nccs3)cc2)cc1Cl"),
]


def descendants(core, smiles, n, seed=1):
    """Breed from a molecule, and from its children, by mutations and crossovers."""
    rng = Random(seed)
    others = [Graph.from_smiles(other) for other in OTHERS]
    graphs, children = [Graph.from_smiles(smiles, core)], []
    with quiet():
        for _ in range(n):
            parent = rng.choice(graphs)
            child = mutate(parent, rng, 50) if rng.random() < 0.5 else cross(parent, rng.choice(others), rng, 50)
            if child is not None:
                children.append(child)
                graphs = [*graphs[-30:], *([Graph.of(child, core)] if core.is_in(child) else [])]
    return children


@pytest.mark.parametrize(("text", "smiles"), CORES)
def test_children_hold_the_core_and_differ(text, smiles):
    core = read_core(text)
    children = descendants(core, smiles, 300)
    assert len({Chem.MolToSmiles(child) for child in children}) > 200
    assert sum(map(core.is_in, children)) > 0.97 * len(children)


def test_without_the_lock_most_descendants_lose_it():
    core = read_core(CORES[0][0])
    rng, graphs = Random(1), [Graph.from_smiles(CORES[0][1])]
    with quiet():
        for _ in range(300):
            child = mutate(rng.choice(graphs), rng, 50)
            graphs = graphs if child is None else [*graphs[-30:], Graph.of(child)]
    assert sum(core.is_in(Chem.MolFromSmiles(Chem.MolToSmiles(graph.mol))) for graph in graphs) < len(graphs) / 2


def test_a_molecule_that_is_all_core_has_an_edit_only_where_it_may_be_substituted():
    open_core = Graph.from_smiles("c1ccccc1", Core("c1ccccc1"))
    full_core = Graph.from_smiles("c1ccccc1C", Core("[*:1]c1ccccc1"))
    with quiet():
        grown = [mutate(open_core, Random(seed), 20) for seed in range(10)]
        changed = [mutate(full_core, Random(seed), 20) for seed in range(30)]
    assert any(grown)
    assert all(Core("[*:1]c1ccccc1").is_in(child) for child in changed if child is not None)
