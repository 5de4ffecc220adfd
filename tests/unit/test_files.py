import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from molvae.errors import DataError
from molvae.files import (
    check_table_name,
    column_names,
    existing,
    growing_array,
    invalidate,
    read_blocks,
    read_json,
    read_table,
    replacing,
    write_json,
    write_table,
)


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "deep" / "down" / "text.txt"
    with replacing(path) as temporary:
        temporary.write_text("all of it")
        assert not path.exists()
        assert temporary.suffix == ".txt"
    assert path.read_text() == "all of it"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_older_file_and_nothing_else(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("older")

    def fail_half_way() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half of")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_of_the_same_name_is_refused_and_kept(tmp_path):
    (tmp_path / "a.json").mkdir()
    for refused in (lambda: write_json(tmp_path / "a.json", {}), lambda: invalidate(tmp_path / "a.json")):
        with pytest.raises(DataError, match=r"a\.json: expected a file .*, found"):
            refused()
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_link_is_replaced_and_what_it_leads_to_is_kept(tmp_path):
    (tmp_path / "mine.json").write_text("mine")
    (tmp_path / "a.json").symlink_to("mine.json")
    write_json(tmp_path / "a.json", {})
    assert (tmp_path / "mine.json").read_text() == "mine"
    assert not (tmp_path / "a.json").is_symlink()


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """After a power failure a name must not stand for an empty file."""
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(
        os, "fsync", lambda file: done.append(Path(os.readlink(f"/proc/self/fd/{file}"))) or fsync(file)
    )
    monkeypatch.setattr(os, "replace", lambda *paths: done.append("renamed") or replace(*paths))
    write_json(tmp_path / "a.json", {})
    assert done[0].parent == tmp_path
    assert done[0].suffix == ".json"
    assert done[1:] == ["renamed", tmp_path]


def test_json_comes_back(tmp_path):
    content = {"value": 0.1, "n": 3, "names": ["a", None]}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content
    assert (tmp_path / "a.json").read_text().endswith("}\n")


def test_json_that_lacks_a_key_is_refused_by_its_place(tmp_path):
    write_json(tmp_path / "a.json", {"value": 1, "n": 2})
    assert read_json(tmp_path / "a.json", ["n"]) == {"value": 1, "n": 2}
    with pytest.raises(DataError, match=r"a\.json: expected the keys \['tokens'\], found \['value', 'n'\]"):
        read_json(tmp_path / "a.json", ["n", "tokens"])
    write_json(tmp_path / "a.json", [1, 2])
    with pytest.raises(DataError, match=r"a\.json: expected a JSON object, found list"):
        read_json(tmp_path / "a.json", ["n"])


def test_json_has_no_not_a_number(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_what_is_no_json_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.json: expected JSON"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_table_comes_back_without_an_index(tmp_path, name):
    table = pd.DataFrame({"smiles": ["CCO", "c1ccccc1"], "score": [0.5, np.nan]}, index=[7, 3])
    write_table(tmp_path / name, table)
    pd.testing.assert_frame_equal(read_table(tmp_path / name), table.reset_index(drop=True))


@pytest.mark.parametrize("name", ["a.txt", "a", "a.csv.gz", "a.CSV"])
def test_a_table_of_another_kind_is_refused(tmp_path, name):
    for refused in (lambda: check_table_name(tmp_path / name), lambda: write_table(tmp_path / name, pd.DataFrame())):
        with pytest.raises(DataError, match=r"expected a name that ends in \.parquet or \.csv"):
            refused()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_the_same_table_gives_the_same_bytes(tmp_path, name):
    table = pd.DataFrame({"smiles": ["CCO"], "score": [1 / 3]})
    write_table(tmp_path / name, table)
    first = (tmp_path / name).read_bytes()
    write_table(tmp_path / name, table.copy())
    assert (tmp_path / name).read_bytes() == first


def test_named_columns_are_read_in_their_order(tmp_path):
    write_table(tmp_path / "a.csv", pd.DataFrame({"a": [1], "b": [2], "c": [3]}))
    assert list(read_table(tmp_path / "a.csv", ["c", "a"]).columns) == ["c", "a"]


def test_a_missing_column_is_refused(tmp_path):
    write_table(tmp_path / "a.csv", pd.DataFrame({"a": [1]}))
    with pytest.raises(DataError, match=r"expected the columns \['b'\], found \['a'\]"):
        read_table(tmp_path / "a.csv", ["a", "b"])


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_what_is_no_table_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match="expected a"):
        read_table(tmp_path / name)


@pytest.mark.parametrize("read", [existing, read_json, read_table])
def test_a_missing_file_is_named(tmp_path, read):
    with pytest.raises(DataError, match=r"none\.csv: expected a file or folder here, found none"):
        read(tmp_path / "none.csv")


def test_json_stays_readable_for_other_programs(tmp_path):
    write_json(tmp_path / "a.json", {"n": np.float64(1.5)})
    assert json.loads((tmp_path / "a.json").read_text()) == {"n": 1.5}


def write_without_room(folder, code):
    """Run `code` in a process whose files may have at most 4 kB, which fails as a full disk does."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
    return subprocess.run(
        [sys.executable, "-c", limit + code], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.json"])
def test_a_full_disk_is_one_clear_error_and_leaves_the_older_file(tmp_path, name):
    (tmp_path / name).write_text("older")
    code = (
        "from pathlib import Path\nimport numpy as np, pandas as pd\n"
        "from molvae.errors import DataError\nfrom molvae.files import write_json, write_table\n"
        f"path, numbers = Path({name!r}), np.random.default_rng(0).random(5000)\n"
        "try:\n    write_json(path, list(numbers)) if path.suffix == '.json' else "
        "write_table(path, pd.DataFrame({'x': numbers}))\nexcept DataError as error:\n    print(error)\n"
    )
    run = write_without_room(tmp_path, code)
    assert run.stdout.startswith(f"{name}: expected room on the disk to write it, found none"), run.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "older"


def test_a_file_in_place_of_the_folder_is_one_clear_error(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(DataError, match="out: expected a writable folder, found otherwise"):
        write_json(tmp_path / "out" / "a.json", {})


@pytest.mark.parametrize("n_columns", [0, 3])
def test_an_array_written_in_pieces_is_the_array(tmp_path, n_columns):
    shape = (1234, n_columns) if n_columns else (1234,)
    whole = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    with growing_array(tmp_path / "a.npy", np.float32, n_columns) as append:
        for piece in np.array_split(whole, [1, 1, 500]):
            append(piece)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", mmap_mode="r"), whole)


def test_the_blocks_of_a_table_are_the_table(tmp_path, monkeypatch):
    table = pd.DataFrame({"a": range(50), "b": list("xy" * 25), "c": 0.5})
    write_table(tmp_path / "a.parquet", table)
    monkeypatch.setattr("molvae.files.BLOCK_ROWS", 8)
    blocks = list(read_blocks(tmp_path / "a.parquet", ["b", "a"]))
    assert max(map(len, blocks)) == 8
    pd.testing.assert_frame_equal(pd.concat(blocks, ignore_index=True), table[["b", "a"]])


def test_blocks_of_what_is_no_such_table_are_refused(tmp_path):
    (tmp_path / "empty.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"expected a \.parquet table"):
        next(read_blocks(tmp_path / "empty.parquet", ["a"]))
    write_table(tmp_path / "a.parquet", pd.DataFrame({"a": [1]}))
    with pytest.raises(DataError, match=r"expected the columns \['b'\]"):
        next(read_blocks(tmp_path / "a.parquet", ["a", "b"]))


@pytest.mark.parametrize("read", [read_table, lambda path: list(read_blocks(path, ["smiles", "value"]))])
def test_a_flipped_bit_among_the_values_of_a_parquet_table_is_noticed(tmp_path, read):
    table = pd.DataFrame({"smiles": [f"{'C' * (n % 40)}O" for n in range(2000)], "value": np.arange(2000) / 7})
    write_table(tmp_path / "a.parquet", table)
    whole, rng = (tmp_path / "a.parquet").read_bytes(), np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        # Its end, the footer, has no checksum, and is no value.
        damaged[rng.integers(4, len(whole) - 4000)] ^= 1 << rng.integers(8)
        (tmp_path / "a.parquet").write_bytes(damaged)
        with pytest.raises(DataError, match=r"expected a \.parquet table"):
            read(tmp_path / "a.parquet")


def test_the_columns_of_what_is_no_table_are_one_clear_error(tmp_path):
    write_table(tmp_path / "a.parquet", pd.DataFrame({"a": [1], "b": [2]}))
    assert column_names(tmp_path / "a.parquet") == ["a", "b"]
    (tmp_path / "a.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.parquet: expected a \.parquet table"):
        column_names(tmp_path / "a.parquet")
