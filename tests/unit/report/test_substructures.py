from rdkit import Chem

from molvae.report.substructures import FUNCTIONAL_GROUPS, functional_groups, ring_systems_of


def test_every_pattern_is_one():
    assert all(Chem.MolFromSmarts(smarts) is not None for smarts in FUNCTIONAL_GROUPS.values())


def test_groups_that_some_have_and_some_have_not_are_offered():
    found = {group.name: group.rows for group in functional_groups(["CC(=O)NC", "CC#N", "CC(=O)N", "not one"])}
    assert found["amide"] == (0, 2)
    assert found["nitrile"] == (1,)
    assert "alkyne" not in found
    assert functional_groups(["CC#N", "CCC#N"]) == []


def test_ring_systems_are_named_by_their_smiles_the_most_frequent_first():
    found = [(system.name, system.rows) for system in ring_systems_of(["c1ccccc1C", "c1ccccc1C1CC1", "CCO"])]
    assert found == [("c1ccccc1", (0, 1)), ("C1CC1", (1,))]
