import pytest

from molvae.chem.fingerprints import morgan_bits, tanimoto_matrix
from molvae.config import LineageConfig
from molvae.optimize.strategies.lineages import Lineages

# Two series of close analogues.
ESTERS = [f"CC(=O)OCC{'C' * n}CCCCC" for n in range(12)]
ARENES = [f"c1ccc2c(c1)cccc2C(=O)N{'C' * n}C" for n in range(12)]


@pytest.fixture
def lineages():
    return Lineages(LineageConfig(patience=10, similarity=0.4))


def tell(lineages, smiles, first):
    lineages.add({text: first + 0.001 * i for i, text in enumerate(smiles)})


def test_the_best_come_first_and_of_equal_ones_the_earliest(lineages):
    lineages.add({"CCO": 0.2, "CCN": 0.5, "CCC": 0.2})
    lineages.add({"CCF": 0.5})
    assert lineages.ranked() == ["CCN", "CCF", "CCO", "CCC"]


def test_the_elite_are_far_from_each_other(lineages):
    tell(lineages, ESTERS, 0.8)
    tell(lineages, ARENES, 0.3)
    elite = lineages.elite()
    assert elite[0] == ESTERS[-1]
    assert set(elite) & set(ARENES)
    bits = morgan_bits(elite)
    similarity = tanimoto_matrix(bits, bits)
    assert (similarity > 0.4).sum() == len(elite)


def test_a_search_that_does_not_improve_turns_away_from_its_leader_and_comes_back(lineages):
    tell(lineages, ARENES[:2], 0.3)
    tell(lineages, ESTERS[:6], 0.8)
    assert not lineages.turn()
    # Enough calls, and no better ones.
    tell(lineages, ESTERS[6:], 0.1)
    tell(lineages, ARENES[2:6], 0.1)
    assert lineages.turn()
    assert set(lineages.ranked()) <= set(ARENES)
    assert lineages.is_near_leader(morgan_bits(ESTERS)).any()
    assert not lineages.turn()
    tell(lineages, ARENES[6:], 0.0)
    tell(lineages, ["CCO", "CCN", "CCF", "CCCl"], 0.0)
    assert lineages.turn()
    assert set(lineages.ranked()) == set(lineages.scores)


def test_a_search_that_improves_goes_on(lineages):
    for step in range(5):
        tell(lineages, [f"{text}Cl" + "C" * step for text in ESTERS], 0.1 * (step + 1))
        assert not lineages.turn()


def test_it_does_not_turn_away_where_nothing_else_is_left(lineages):
    tell(lineages, [ESTERS[0]], 0.5)
    lineages.turn()
    tell(lineages, [f"{ESTERS[0]}{'C' * n}" for n in range(1, 12)], 0.1)
    lineages.turn()
    assert set(lineages.ranked()) == set(lineages.scores)


def test_while_few_satisfy_the_constraints_those_that_violate_them_least_come_first():
    lineages = Lineages(LineageConfig(), n_parents=2)
    lineages.add({"CCO": 0.2, "CCN": 0.8, "CCC": 0.0}, [0.5, 1.0, 0.1])
    assert lineages.few_feasible
    assert lineages.ranked() == ["CCC", "CCN", "CCO"]
    lineages.add({"CCF": 0.1, "CCCl": 0.3}, [0.0, 0.0])
    assert not lineages.few_feasible
    assert lineages.ranked()[:2] == ["CCN", "CCCl"]
