import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molvae.prepare.blocks import Blocks, _hashes
from molvae.prepare.duplicates import Duplicates


def blocks_of(folder, molecules, size):
    """Write blocks of molecules, None for a row that was refused; each is named after its row."""
    paths = []
    for start in range(0, len(molecules), size):
        part = molecules[start : start + size]
        keys = np.array([_hashes(text or "") for text in part], dtype=np.uint64)
        table = pa.table(
            {
                "smiles": pa.array(part, pa.string()),
                "key": keys[:, 0],
                "key2": keys[:, 1],
                "id": [f"m{start + n}" for n in range(len(part))],
            }
        )
        paths.append(folder / f"input-{len(paths):06d}.parquet")
        pq.write_table(table, paths[-1])
    return Blocks(paths)


@given(st.lists(st.sampled_from([*"CNOSPF", None]), min_size=1, max_size=60), st.integers(1, 20), st.integers(1, 30))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_came_before_is_found_with_the_name_of_the_first(tmp_path, monkeypatch, molecules, size, at_a_time):
    monkeypatch.setattr("molvae.prepare.duplicates.ROWS_AT_A_TIME", at_a_time)
    for left in tmp_path.glob("**/*.*"):
        left.unlink()
    duplicates = Duplicates(blocks_of(tmp_path, molecules, size), tmp_path / "work")
    expected = [molecule is not None and molecule in molecules[:row] for row, molecule in enumerate(molecules)]
    assert duplicates.mask.tolist() == expected
    rows = np.flatnonzero(expected)
    for some in np.array_split(rows, 3):
        assert duplicates.first_ids(some) == [f"m{molecules.index(molecules[row])}" for row in some]


def test_a_full_disk_is_one_clear_error(tmp_path, monkeypatch):
    from molvae.errors import DataError

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("molvae.prepare.duplicates.Duplicates._partition", full)
    with pytest.raises(DataError, match="expected room on the disk"):
        Duplicates(blocks_of(tmp_path, ["C"], 1), tmp_path / "work")
