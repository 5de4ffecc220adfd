"""Tables of molecules in and out, in every format, with every column."""

import gzip
import io
import json
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molvae import molecule_tables
from molvae.chem.open_file import STDIN
from molvae.chem.reading import read_molecules
from molvae.errors import ConfigError, DataError
from molvae.molecule_tables import add_columns, is_file_argument, molecules_of, read_arrays, read_blocks, with_columns
from molvae.table_writers import ENDINGS, MOLECULE_ENDINGS, check_ending, table_writer

ROWS = pd.DataFrame(
    {
        "Compound ID": ["A-1", "A-2", "A-3"],
        "SMILES": ["CCO", "nonsense", "c1ccccc1"],
        "pAct": [5.25, np.nan, 7.0],
        "note": ["a, b", "", '"quoted"'],
    }
)


@pytest.fixture
def pipe(monkeypatch):
    def give(text):
        content = text if isinstance(text, bytes) else text.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return STDIN

    return give


@pytest.fixture(params=["csv", "tsv", "csv.gz", "parquet", "pipe"])
def table(request, tmp_path, pipe):
    if request.param == "pipe":
        return pipe(ROWS.to_csv(index=False))
    path = tmp_path / f"in.{request.param}"
    if request.param == "parquet":
        ROWS.to_parquet(path, row_group_size=2)
    else:
        ROWS.to_csv(path, index=False, sep="\t" if request.param == "tsv" else ",")
    return path


def lengths(smiles):
    return pd.DataFrame({"length": [len(text) for text in smiles]})


def test_every_column_is_kept_and_the_id_is_found(table, monkeypatch):
    monkeypatch.setattr(molecule_tables, "BLOCK_ROWS", 2)
    blocks = list(read_blocks(table))
    assert [len(block.rows) for block in blocks] == [2, 1]
    assert [name for block in blocks for name in block.ids] == ROWS["Compound ID"].tolist()
    assert [text for block in blocks for text in block.smiles] == ROWS["SMILES"].tolist()
    rows = pd.concat([block.rows for block in blocks], ignore_index=True)
    assert list(rows.columns) == list(ROWS.columns)
    assert rows["note"].tolist() == ROWS["note"].tolist()


@pytest.mark.parametrize("ending", ENDINGS)
def test_columns_are_added_in_every_format(table, ending, tmp_path, monkeypatch):
    monkeypatch.setattr(molecule_tables, "BLOCK_ROWS", 2)
    out = tmp_path / f"out{ending}"
    assert add_columns(table, out, lengths) == 3
    if ending.startswith(".sdf"):
        assert [(record.id, record.smiles) for record in read_molecules(out)] == [("A-1", "CCO"), ("A-3", "c1ccccc1")]
        [block] = read_blocks(out)
        assert block.rows["length"].tolist() == ["3", "8"]
        return
    written = pd.read_parquet(out) if ending == ".parquet" else pd.read_csv(out, sep="\t" if "tsv" in ending else ",")
    assert list(written.columns) == [*ROWS.columns, "length"]
    assert written["length"].tolist() == [3, 8, 8]
    assert written["SMILES"].tolist() == ROWS["SMILES"].tolist()


def test_types_of_a_parquet_table_are_kept(tmp_path):
    typed = pa.table({"smiles": ["C", "CC"], "n": pa.array([1, None], pa.int32()), "ok": [True, False]})
    pq.write_table(typed, tmp_path / "in.parquet")
    add_columns(tmp_path / "in.parquet", tmp_path / "out.parquet", lengths)
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert [str(schema.field(name).type) for name in ("n", "ok")] == ["int32", "bool"]


def test_a_column_that_is_empty_at_first_is_text_later(tmp_path):
    with table_writer(tmp_path / "out.parquet") as write:
        for value in (None, "x"):
            write(pd.DataFrame({"smiles": ["C"], "problem": [value]}), ["C"], ["a"])
    assert pd.read_parquet(tmp_path / "out.parquet")["problem"].fillna("").tolist() == ["", "x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CCO one\nCCN\n", [("one", "CCO"), ("stdin:2", "CCN")]),
        ("smiles\nCCO\nCCN\n", [("stdin:2", "CCO"), ("stdin:3", "CCN")]),
        ("name;Structure\na;CCO\n", [("a", "CCO")]),
    ],
)
def test_a_pipe_may_bring_smiles_or_a_table(pipe, text, expected):
    [block] = read_blocks(pipe(text))
    assert list(zip(block.ids, block.smiles, strict=True)) == expected


def test_a_pipe_may_bring_an_sd_file(pipe, tmp_path):
    with table_writer(tmp_path / "a.sdf") as write:
        write(ROWS, ROWS["SMILES"], ROWS["Compound ID"])
    [block] = read_blocks(pipe((tmp_path / "a.sdf").read_text()))
    assert list(block.rows.columns) == ["smiles", "id", *ROWS.columns]
    assert block.ids == ["A-1", "A-3"]
    assert block.rows["pAct"].tolist() == ["5.25", "7"]


def test_fields_that_come_after_the_first_block_of_a_pipe_are_left_out(pipe, tmp_path, monkeypatch):
    """All blocks have the same columns, also where the first ones have none of their own."""
    monkeypatch.setattr(molecule_tables, "BLOCK_ROWS", 2)
    with table_writer(tmp_path / "a.sdf") as write:
        write(pd.DataFrame(index=range(2)), ["C", "CC"], ["a", "b"])
        write(pd.DataFrame({"late": ["7"]}), ["CCC"], ["c"])
    blocks = read_blocks(pipe((tmp_path / "a.sdf").read_text()))
    assert [list(block.rows.columns) for block in blocks] == [["smiles", "id"]] * 2


def test_a_column_that_a_pipe_has_not_got_is_told(pipe):
    with pytest.raises(ConfigError, match="expected one column 'SMILE', found none; the first line is 'name,SMI,x'"):
        list(read_blocks(pipe("name,SMI,x\nA,CCO,1\nB,CC,2\n"), smiles_column="SMILE"))


@pytest.mark.parametrize("name", ["a.parquet.csv", "a.sdf.csv", "a.sdf.smi"])
def test_the_last_ending_tells_the_format(tmp_path, name):
    (tmp_path / name).write_text("smiles,id,x\nCCO,a,1\n" if name.endswith("csv") else "CCO a\n")
    [block] = read_blocks(tmp_path / name)
    assert list(block.rows.columns) == ["smiles", "id", "x"][: 3 if name.endswith("csv") else 2]


def test_fields_that_come_late_in_an_sd_file_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(molecule_tables, "BLOCK_ROWS", 1)
    with table_writer(tmp_path / "a.sdf") as write:
        write(pd.DataFrame({"early": ["1"]}), ["C"], ["a"])
        write(pd.DataFrame({"late": ["2"]}), ["CC"], ["b"])
    rows = pd.concat([block.rows for block in read_blocks(tmp_path / "a.sdf")])
    assert rows[["smiles", "id", "early", "late"]].to_numpy().tolist() == [["C", "a", "1", ""], ["CC", "b", "", "2"]]


def test_a_compressed_table_has_the_same_bytes_again(tmp_path):
    for name in ("a.csv.gz", "b.csv.gz"):
        with table_writer(tmp_path / name) as write:
            write(ROWS, ROWS["SMILES"], ROWS["Compound ID"])
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).decode() == ROWS.to_csv(index=False)


def test_a_smi_has_the_molecules_and_their_names(tmp_path):
    with table_writer(tmp_path / "a.smi") as write:
        write(pd.DataFrame({"smiles": ["CCO", "", "C"]}), ["CCO", "", "C"], ["one", "two", ""])
    assert (tmp_path / "a.smi").read_text() == "CCO one\nC\n"


def test_a_block_goes_to_standard_output(capsys):
    with table_writer(None) as write:
        write(ROWS[["SMILES"]], ROWS["SMILES"], ROWS["Compound ID"])
        write(ROWS[["SMILES"]], ROWS["SMILES"], ROWS["Compound ID"])
    assert capsys.readouterr().out.splitlines() == ["SMILES", *ROWS["SMILES"], *ROWS["SMILES"]]


def test_after_an_error_there_is_no_file(tmp_path):
    def write_half():
        with table_writer(tmp_path / "a.csv") as write:
            write(ROWS, ROWS["SMILES"], ROWS["Compound ID"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.txt", "a.parquet.gz", "a", "a.smi"])
def test_another_ending_is_refused(name, tmp_path):
    with pytest.raises(DataError, match=r"expected a name that ends in \.csv, .*, or - for standard output"):
        check_ending(tmp_path / name)
    check_ending(tmp_path / "a.smi", MOLECULE_ENDINGS)


def test_a_new_column_takes_a_name_and_the_old_one_is_renamed():
    rows = pd.DataFrame({"smiles": ["C"], "qed": [0.1]}, index=[7])
    assert with_columns(rows, {"qed": [0.5]}).to_dict("list") == {"smiles": ["C"], "input_qed": [0.1], "qed": [0.5]}


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".sdf"])
def test_a_command_can_be_applied_to_what_it_has_written(table, ending, tmp_path):
    for n in range(1, 5):
        out = tmp_path / f"{n}{ending}"
        add_columns(table, out, lengths)
        table = out
    [block] = read_blocks(table)
    assert len({*block.rows.columns}) == len(block.rows.columns)
    assert {"length", "input_length", "input_input_length", "input_input_input_length"} <= {*block.rows.columns}


def test_a_list_in_a_cell_is_whole_in_every_format(tmp_path):
    pd.DataFrame({"smiles": ["CCO", "C"], "bits": [list(range(2000)), None]}).to_parquet(tmp_path / "a.parquet")
    for ending in (".csv", ".sdf"):
        add_columns(tmp_path / "a.parquet", tmp_path / f"a{ending}", lengths)
        [block] = read_blocks(tmp_path / f"a{ending}")
        assert json.loads(block.rows["bits"][0]) == list(range(2000))
        assert block.rows["bits"][1] == ""


def test_arrays_are_read_beside_the_other_columns(tmp_path, pipe):
    codes = pd.DataFrame({"id": ["007", "b"], "z0": [0.5, np.nan], "z1": [1.0, 2.0]})
    codes.to_csv(tmp_path / "a.csv", index=False)
    codes.to_csv(tmp_path / "a.tsv.gz", index=False, sep="\t")
    codes.to_parquet(tmp_path / "a.parquet")
    for path in (tmp_path / "a.csv", tmp_path / "a.tsv.gz", tmp_path / "a.parquet", pipe(codes.to_csv(index=False))):
        [(others, numbers)] = read_arrays(path, ["z0", "z1"])
        np.testing.assert_array_equal(numbers, np.float32([[0.5, 1.0], [np.nan, 2.0]]))
        assert others.to_dict("list") == {"id": ["007", "b"]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,z0\na,1\n", r"expected 2 columns z0 to z1, found 1 of them missing \(z1\)"),
        ("z0,z1\n1,x\n", "expected numbers in the columns z0 to z1, found others"),
        ("", "expected a table of numbers"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(pipe, text, said):
    with pytest.raises(DataError, match=said):
        list(read_arrays(pipe(text), ["z0", "z1"]))


def test_a_file_is_told_from_a_smiles(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "molecules").write_text("C\n")
    assert [is_file_argument(text) for text in ("-", "a.smi", "a.csv.gz", "molecules")] == [True] * 4
    assert [is_file_argument(text) for text in ("CCO", "C.CC", "C/C=C/C", "[Na+].[Cl-]")] == [False] * 4
    # Longer than the name of a file, and than a path.
    assert [is_file_argument(text) for text in ("C" * 300, "C/C=C/" * 1000, "C\0")] == [False] * 3
    (tmp_path / "a.smi").write_text("C a\n\nCC b\n")
    assert list(molecules_of(tmp_path / "a.smi")) == ["C", "CC"]


def test_an_ending_in_capitals_is_the_same_ending(tmp_path):
    (tmp_path / "in.smi").write_text("CCO a\n")
    for name in ("out.csv.gz", "OUT.CSV.GZ"):
        add_columns(tmp_path / "in.smi", tmp_path / name, lambda smiles: pd.DataFrame({"n": [1] * len(smiles)}))
    assert (tmp_path / "OUT.CSV.GZ").read_bytes() == (tmp_path / "out.csv.gz").read_bytes()


def test_what_pandas_wrote_as_an_index_is_a_column(tmp_path):
    ROWS.set_index(ROWS.columns[0]).to_parquet(tmp_path / "in.parquet")
    add_columns(tmp_path / "in.parquet", tmp_path / "out.parquet", lengths)
    written = pd.read_parquet(tmp_path / "out.parquet")
    assert set(written.columns) == {*ROWS.columns, "length"}
    assert written[ROWS.columns[0]].tolist() == ROWS[ROWS.columns[0]].tolist()
