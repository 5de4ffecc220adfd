import numpy as np
import pytest

from molvae.chem.fingerprints import morgan_bits, tanimoto_matrix
from molvae.propose.plate import MAX_SIMILARITY, Plate, choose, choose_diverse

SMILES = [
    "CCCCCCCCCO",
    "CCCCCCCCCCO",
    "c1ccccc1C(=O)NC1CCNCC1",
    "c1ccccc1C(=O)NC1CCCNC1",
    "CC(C)(C)OC(=O)N1CCCC1",
    "O=S(=O)(N)c1ccc(Cl)cc1",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "OC1CCC(O)CC1",
    "N#Cc1ccncc1",
    "CC(=O)Oc1ccccc1C(=O)O",
]
BITS = morgan_bits(SMILES, 2048)


def test_the_best_are_chosen_and_a_fifth_explores() -> None:
    mean, deviation = np.arange(10.0), np.where(np.arange(10) == 2, 9.0, 0.1)
    choices = choose(BITS, mean, deviation, 5)
    assert [choice.row for choice in choices] == [9, 8, 7, 6, 2]
    assert [choice.explores for choice in choices] == [False] * 4 + [True]


def test_no_two_are_close_analogues_while_others_are_left() -> None:
    mean = np.array([9.0, 8.0, 7.0, 6.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert tanimoto_matrix(BITS[:1], BITS[1:2])[0, 0] > MAX_SIMILARITY
    rows = [choice.row for choice in choose(BITS, mean, np.ones(10), 4)]
    assert 0 in rows
    assert 1 not in rows
    similarity = tanimoto_matrix(BITS[rows], BITS[rows])
    assert similarity[~np.eye(4, dtype=bool)].max() <= MAX_SIMILARITY


def test_close_analogues_fill_the_plate_where_nothing_else_is_left() -> None:
    choices = choose(BITS, np.arange(10.0), np.ones(10), 10)
    assert sorted(choice.row for choice in choices) == list(range(10))
    assert [choice.row for choice in choices if choice.is_twin] == [0]


def test_a_first_plate_begins_far_from_what_is_measured_and_keeps_away_from_itself() -> None:
    choices = choose_diverse(BITS, BITS[:1], 9)
    assert len({choice.row for choice in choices}) == 9
    assert all(choice.explores for choice in choices)
    # The measured molecule and its close analogue come last.
    assert [choice.row for choice in choose_diverse(BITS, BITS[:1], 10)][-2:] in ([1, 0], [0, 1])


def test_a_close_analogue_of_a_measured_molecule_is_no_twin_of_one_on_the_plate() -> None:
    assert not any(choice.is_twin for choice in choose_diverse(BITS, BITS[:1], 9))
    # The last one has its twin on the plate by then.
    assert [choice.is_twin for choice in choose_diverse(BITS, BITS[:1], 10)] == [False] * 9 + [True]
    twins = choose_diverse(BITS[:2], BITS[2:], 2)
    assert [choice.is_twin for choice in twins] == [False, True]


@pytest.mark.parametrize("n", [0, 3, 20])
def test_a_plate_has_as_many_as_there_are(n: int) -> None:
    plate = Plate(BITS, n)
    plate.farthest(n)
    assert len(plate) == min(n, 10)
