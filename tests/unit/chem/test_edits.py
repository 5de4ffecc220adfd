from random import Random

import pytest
from rdkit import Chem

from molvae.chem.edits import MAX_RING_SIZE, Graph, cross, mutate
from molvae.chem.molecules import canonical_smiles
from molvae.chem.quiet import quiet

PARENTS = [
    "CC(=O)Nc1ccc(O)cc1",
    "C[C@H](N)C(=O)O",
    "O=[N+]([O-])c1ccc2[nH]ccc2c1",
    "CN1CCN(c2nc(Cl)ncc2F)CC1",
    "C[N+](C)(C)CC(=O)[O-]",
    "CS(=O)(=O)NC1CC2CCC1C2",
    "C#CCOP(=O)(O)Oc1ccccc1",
]


@pytest.fixture(scope="module")
def graphs():
    return [Graph.from_smiles(smiles) for smiles in PARENTS]


def mutants(graphs, n, seed=1, max_atoms=20):
    rng = Random(seed)
    with quiet():
        return [mutate(graphs[i % len(graphs)], rng, max_atoms) for i in range(n)]


def crossed(graphs, n, seed=1, max_atoms=20):
    rng = Random(seed)
    with quiet():
        return [cross(rng.choice(graphs), rng.choice(graphs), rng, max_atoms) for _ in range(n)]


@pytest.mark.parametrize("breed", [mutants, crossed])
def test_children_are_molecules_like_others(graphs, breed):
    children = [child for child in breed(graphs, 700) if child is not None]
    assert len(children) > 500
    for child in children:
        smiles = Chem.MolToSmiles(child)
        assert canonical_smiles(smiles) == smiles
        assert not set(".@") & set(smiles)
        assert child.GetNumHeavyAtoms() <= 20
        assert all(len(ring) <= MAX_RING_SIZE for ring in child.GetRingInfo().AtomRings())
        assert not any(atom.GetNumRadicalElectrons() for atom in child.GetAtoms())


@pytest.mark.parametrize("breed", [mutants, crossed])
def test_children_differ_from_each_other_and_the_seed_decides(graphs, breed):
    def smiles(children):
        return [child and Chem.MolToSmiles(child) for child in children]

    first = smiles(breed(graphs, 100))
    assert len(set(first)) > 60
    assert smiles(breed(graphs, 100)) == first
    assert smiles(breed(graphs, 100, seed=2)) != first


def test_editing_leaves_the_parent_as_it_is(graphs):
    before = [Chem.MolToSmiles(graph.mol) for graph in graphs]
    mutants(graphs, 100)
    crossed(graphs, 100)
    assert [Chem.MolToSmiles(graph.mol) for graph in graphs] == before


def test_no_unstable_bond_is_made():
    unstable = Chem.MolFromSmarts("[$([OX2][OX2]),$([N,O][F,Cl,Br,I])]")
    graph = Graph.from_smiles("OCC(N)CO")
    children = mutants([graph], 600)
    assert not any(child.HasSubstructMatch(unstable) for child in children if child)


def test_a_charge_without_its_counterpart_is_removed():
    graph = Graph.from_smiles("C[N+](=O)[O-]")
    for child in mutants([graph], 300):
        if child:
            charges = [atom.GetFormalCharge() for atom in child.GetAtoms()]
            assert sum(charges) == 0


def test_where_no_edit_is_possible_there_is_no_child():
    methane = Graph.from_smiles("C")
    assert cross(methane, methane, Random(1), 20) is None
    assert Graph.from_smiles("no molecule") is None


def test_a_molecule_of_one_atom_can_grow():
    assert any(child and child.GetNumHeavyAtoms() > 1 for child in mutants([Graph.from_smiles("C")], 20))


def test_ions_are_neutralised_unless_they_are_kept():
    def charged(keep_ions):
        graph = Graph.from_smiles("CCC(C)[NH+]1C(C(=O)[O-])CCC2CCCCC21", keep_ions=keep_ions)
        children = [Chem.MolToSmiles(child) for child in mutants([graph], 100, max_atoms=30) if child]
        return sum("+]" in smiles for smiles in children) / len(children)

    assert charged(keep_ions=False) < 0.1
    assert charged(keep_ions=True) > 0.7
