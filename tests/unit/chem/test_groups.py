from collections import Counter
from random import Random

from rdkit import Chem

from molvae.chem.edits import mutate
from molvae.chem.graph import Graph
from molvae.chem.groups import MAX_ATOMS, groups_of, usual_groups
from molvae.chem.quiet import quiet


def smiles(groups):
    return [Chem.CanonSmiles(Chem.MolToSmiles(graph.mol)) for graph in groups.graphs]


def test_groups_are_those_on_both_sides_of_the_bonds_that_can_be_cut():
    sides = {"C", "c1ccccc1", "CN1CCNCC1", "C1CN(Cc2ccccc2)CCN1", "CN1CCN(C)CC1", "Cc1ccccc1"}
    groups = groups_of(["CN1CCN(Cc2ccccc2)CC1"], 100)
    assert set(smiles(groups)) == {Chem.CanonSmiles(text) for text in sides}


def test_frequent_groups_are_drawn_more_often():
    groups = groups_of(["Cc1ccccc1"] * 9 + ["Oc1ccccc1"], 100)
    rng = Random(1)
    drawn = Counter(Chem.MolToSmiles(groups.draw(rng).mol) for _ in range(1000))
    assert drawn["C"] > 3 * drawn["O"] > 0
    assert len(groups_of(["Cc1ccccc1"] * 9 + ["Oc1ccccc1"], 1).graphs) == 1


def test_groups_are_small_and_neutral():
    groups = groups_of(["C[N+](C)(C)CC(=O)[O-]", f"CC{'C' * 40}c1ccccc1"], 100)
    assert all(len(graph.elements) <= MAX_ATOMS for graph in groups.graphs)
    assert all(graph.charge == 0 for graph in groups.graphs)


def test_molecules_without_groups_have_the_usual_ones():
    assert groups_of([], 10) is usual_groups()
    assert groups_of(["c1ccccc1", "not a molecule"], 10) is usual_groups()


def test_a_mutation_can_bring_in_a_group():
    groups = groups_of(["O=S1(=O)CCCN1Cc1ccccc1"], 100)
    parent = Graph.from_smiles("CCc1ccccc1")
    pattern = Chem.MolFromSmarts("S1(=O)(=O)CCCN1")
    rng = Random(2)
    with quiet():
        children = [mutate(parent, rng, 30, groups) for _ in range(300)]
    assert any(child.HasSubstructMatch(pattern) for child in children if child is not None)
