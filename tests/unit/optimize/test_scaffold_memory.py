import numpy as np

from molvae.optimize.objective import Evaluation
from molvae.optimize.scaffold_memory import FULL_WEIGHT, ScaffoldMemory


def evaluated(smiles, *, feasible=True):
    return Evaluation(smiles, 0.8, feasible, "ok", {"a": 3.0}, {"a": 0.8})


def weighed(memory, *smiles):
    return [round(one.score / 0.8, 6) for one in memory.weigh([evaluated(text) for text in smiles])]


def test_a_further_molecule_of_a_full_scaffold_counts_less():
    memory = ScaffoldMemory(2)
    assert weighed(memory, "Cc1ccccc1", "CCc1ccccc1", "CCCc1ccccc1", "C1CC1") == [1.0, 1.0, FULL_WEIGHT, 1.0]
    assert memory.weights(["c1ccccc1", "C1CC1", ""]).tolist() == [FULL_WEIGHT, 1.0, 1.0]


def test_a_molecule_that_is_told_again_counts_as_before():
    memory = ScaffoldMemory(1)
    assert weighed(memory, "Cc1ccccc1", "CCc1ccccc1") == [1.0, FULL_WEIGHT]
    assert weighed(memory, "Cc1ccccc1", "CCc1ccccc1") == [1.0, FULL_WEIGHT]


def test_molecules_without_rings_and_those_that_are_infeasible_fill_nothing():
    memory = ScaffoldMemory(1)
    assert weighed(memory, "CCO", "CCCO", "CCCCO") == [1.0, 1.0, 1.0]
    memory.weigh([evaluated("Cc1ccccc1", feasible=False)])
    assert weighed(memory, "CCc1ccccc1") == [1.0]


def test_desirabilities_count_less_with_the_score_and_values_stay():
    memory = ScaffoldMemory(1)
    _, later = memory.weigh([evaluated("Cc1ccccc1"), evaluated("CCc1ccccc1")])
    np.testing.assert_allclose(later.desirabilities["a"], 0.8 * FULL_WEIGHT)
    assert later.values == {"a": 3.0}
