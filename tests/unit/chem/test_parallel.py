import os

import pytest

from molvae.chem.parallel import CHUNK_SIZE, FEWEST_FOR_A_POOL, chunks_of, map_chunks, map_tasks
from molvae.errors import DataError


def first_and_number(smiles):
    return smiles[0], len(smiles)


def stop_the_process(_task):
    os._exit(1)


def test_chunks_hold_all_in_order():
    items = [str(number) for number in range(2 * CHUNK_SIZE + 1)]
    chunks = chunks_of(items)
    assert [each for chunk in chunks for each in chunk] == items
    assert [len(chunk) for chunk in chunks] == [CHUNK_SIZE, CHUNK_SIZE, 1]


def test_results_do_not_depend_on_the_number_of_processes():
    items = [str(number) for number in range(FEWEST_FOR_A_POOL + 7)]
    assert list(map_chunks(first_and_number, items, 2)) == list(map_chunks(first_and_number, items, 1))


def test_no_molecules_give_no_results():
    assert list(map_chunks(first_and_number, [], 2)) == []


def test_a_killed_process_is_one_clear_error():
    with pytest.raises(DataError, match="found one killed"):
        list(map_tasks(stop_the_process, [1, 2], 2))
