import numpy as np

from molvae.chem.fingerprints import morgan_bits
from molvae.chem.selection import butina_clusters, suggest

ALCOHOLS = ["CCCCCCCCO", "CCCCCCCCCO", "CCCCCCCCCCO"]
ANILIDES = ["CC(=O)Nc1ccc(O)cc1", "CC(=O)Nc1ccc(OC)cc1", "CC(=O)Nc1ccc(OCC)cc1"]


def bits(smiles):
    return morgan_bits(smiles, n_bits=2048)


def test_close_analogues_are_a_cluster_numbered_by_its_first_molecule():
    mixed = [ANILIDES[0], ALCOHOLS[0], "C1CC1", ALCOHOLS[1], ANILIDES[1], ANILIDES[2], ALCOHOLS[2]]
    assert butina_clusters(bits(mixed)).tolist() == [1, 2, 3, 2, 1, 1, 2]
    assert butina_clusters(bits([])).tolist() == []


def chosen(clusters, n_met, is_first=None):
    return np.flatnonzero(suggest(np.array(clusters), np.array(n_met), is_first)).tolist()


def test_of_each_cluster_the_molecule_that_meets_most_targets_is_suggested():
    assert chosen([1, 1, 2, 3, 4, 5, 6], [2, 3, 3, 3, 3, 3, 3]) == [1, 2, 3, 4, 5]


def test_clusters_whose_best_meets_more_targets_come_first():
    assert chosen([1, 2, 3, 4, 5, 6], [1, 3, 3, 3, 3, 3]) == [1, 2, 3, 4, 5]


def test_where_clusters_are_few_the_second_best_of_each_follow():
    assert chosen([1, 1, 1, 1, 2, 2, 2], [3, 3, 3, 3, 3, 3, 3]) == [0, 1, 2, 4, 5]
    assert chosen([1, 2], [3, 3]) == [0, 1]
    assert chosen([], []) == []


def test_the_knee_is_suggested_whatever_the_others():
    is_first = np.array([False] * 6 + [True])
    assert 6 in chosen([1, 2, 3, 4, 5, 6, 1], [3, 3, 3, 3, 3, 3, 1], is_first)
