"""Parquet tables whose few bytes stand for many."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molvae.chem.reading import Columns, read_records
from molvae.molecule_tables import read_blocks

N, LENGTH = 600, 2_000_000
STAND_IN = f"<value-of-{LENGTH}-characters>"


@pytest.fixture
def repeated():
    """Return a column of a short text and then N times the same long one, which it has once."""
    return pa.DictionaryArray.from_arrays(pa.array([0, *[1] * N]), ["CCO", "C" * LENGTH])


def test_long_values_are_not_held(repeated, tmp_path):
    """Read as text, 1.2 GB come from a file of some kilobytes."""
    # Without Arrow's schema, nothing says that the column was a dictionary.
    pq.write_table(pa.table({"smiles": repeated}), tmp_path / "a.parquet", compression="zstd", store_schema=False)
    assert (tmp_path / "a.parquet").stat().st_size < 10_000
    before = pa.total_allocated_bytes()
    held = [
        (record.smiles[:40], pa.total_allocated_bytes()) for record in read_records(tmp_path / "a.parquet", Columns())
    ]
    assert [smiles for smiles, _ in held] == ["CCO", *[STAND_IN] * N]
    assert max(n_bytes for _, n_bytes in held) - before < 500_000_000


def test_long_values_of_further_columns_are_not_held(repeated, tmp_path):
    table = pa.table({"smiles": ["CCO"] * (N + 1), "note": repeated})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd", store_schema=False)
    [block] = read_blocks(tmp_path / "a.parquet")
    assert [note[:40] for note in block.rows["note"]] == ["CCO", *[STAND_IN] * N]


def test_a_column_that_is_a_dictionary_stays_one(repeated, tmp_path):
    pq.write_table(pa.table({"smiles": repeated}), tmp_path / "a.parquet", compression="zstd")
    [block] = read_blocks(tmp_path / "a.parquet")
    assert [smiles[:40] for smiles in block.smiles] == ["CCO", *[STAND_IN] * N]
    assert pa.types.is_dictionary(block.rows["smiles"].dtype.pyarrow_dtype)
