import os
from functools import partial

import pytest

from molvae.errors import DataError
from molvae.prepare.pool import CHUNK_SIZE, SMALLEST_FOR_POOL, map_chunks

# Something that a fresh process can import.
backwards = partial(sorted, reverse=True)


class Deadly:
    """Ends the process that receives it."""

    def __reduce__(self):
        return os._exit, (1,)


@pytest.mark.parametrize("n_items", [0, 1, CHUNK_SIZE, CHUNK_SIZE + 1])
def test_chunks_come_in_order_and_nothing_is_lost(n_items):
    pairs = list(map_chunks(backwards, range(n_items), n_items=n_items, n_jobs=1))
    assert [item for chunk, _ in pairs for item in chunk] == list(range(n_items))
    assert all(result == chunk[::-1] for chunk, result in pairs)
    assert all(len(chunk) <= CHUNK_SIZE for chunk, _ in pairs)


def test_several_processes_give_what_one_gives():
    n_items = SMALLEST_FOR_POOL + 10 * CHUNK_SIZE + 7
    one, two = (list(map_chunks(backwards, range(n_items), n_items=n_items, n_jobs=n_jobs)) for n_jobs in (1, 2))
    assert one == two


def test_the_stream_is_read_only_a_little_ahead():
    read = 0

    def stream():
        nonlocal read
        for item in range(100 * CHUNK_SIZE):
            read += 1
            yield item

    results = map_chunks(backwards, stream(), n_items=100 * CHUNK_SIZE, n_jobs=2)
    next(results)
    assert read <= 10 * CHUNK_SIZE
    results.close()


def test_a_killed_process_is_one_clear_error():
    with pytest.raises(DataError, match="found one killed"):
        list(map_chunks(len, [Deadly()], n_items=SMALLEST_FOR_POOL, n_jobs=2))
