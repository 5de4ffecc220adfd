import gzip

import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem import rdDepictor

from molvae.chem.reading import Record, read_molecules
from molvae.errors import ConfigError, DataError


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        content = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


def read(path, **options):
    return [(record.line, record.id, record.smiles) for record in read_molecules(path, **options)]


def test_a_record_says_where_it_comes_from(write):
    path = write("a.smi", "CCO ethanol\n")
    assert list(read_molecules(path)) == [Record(str(path), 1, "ethanol", "CCO")]


def test_smi_names_are_optional_and_may_have_blanks(write):
    path = write("a.smi", "CCO ethanol 96 %\nCCN\n\nCCC\tpropane\n")
    assert read(path) == [(1, "ethanol 96 %", "CCO"), (2, "a.smi:2", "CCN"), (4, "propane", "CCC")]


@pytest.mark.parametrize("header", ["smiles", "SMILES id", "#smiles\tname", "canonical_smiles"])
def test_smi_header_is_no_molecule(write, header):
    assert read(write("a.smi", f"{header}\nCCO\n")) == [(2, "a.smi:2", "CCO")]


def test_smi_keeps_the_extension_with_its_smiles(write):
    assert read(write("a.smi", "C[C@H](N)O |&1:1| x y\n")) == [(1, "x y", "C[C@H](N)O |&1:1|")]


@pytest.mark.parametrize("name", ["a.smi.gz", "A.SMI.GZ"])
def test_compressed_files_are_unpacked(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"CCO x\n"))
    assert read(path) == [(1, "x", "CCO")]


@pytest.mark.parametrize("column", ["smiles", "SMILES", "Canonical_SMILES", "structure", "smi", "Smiles (parent)"])
def test_csv_column_is_found_by_its_usual_names(write, column):
    assert read(write("a.csv", f"value,{column}\nx,CCO\n")) == [(2, "a.csv:2", "CCO")]


@pytest.mark.parametrize(
    "column",
    [
        "ID",
        "Compound ID",
        "molecule_chembl_id",
        "ChEMBL_ID",
        "zinc_id",
        "Compound_Name",
        "name",
        "CMPD_CHEMBLID",
        "mol no",
    ],
)
def test_the_column_of_names_is_found_by_its_usual_names(write, column):
    assert read(write("a.csv", f"{column},SMILES,pAct\nx,CCO,5\n")) == [(2, "x", "CCO")]


@pytest.mark.parametrize("column", ["number", "key", "split", "inchikey", "pAct", "grid"])
def test_no_other_column_is_taken_for_names(write, column):
    assert read(write("a.csv", f"{column},SMILES\nx,CCO\n")) == [(2, "a.csv:2", "CCO")]


def test_an_id_is_surer_than_a_name(write):
    assert read(write("a.csv", "name,compound_id,SMILES\nx,y,CCO\n")) == [(2, "y", "CCO")]


def test_csv_smiles_goes_before_structure(write):
    assert read(write("a.csv", "structure,smiles\nx,CCO\n")) == [(2, "a.csv:2", "CCO")]


def test_csv_columns_can_be_named(write):
    path = write("a.csv", "key,a_smiles,b_smiles\nx,CCO,CCN\n")
    assert read(path, smiles_column="b_smiles", id_column="key") == [(2, "x", "CCN")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_delimiter_is_seen_from_the_header(write, delimiter):
    assert read(write("a.csv", f"key{delimiter}smiles\nx{delimiter}CCO\n")) == [(2, "a.csv:2", "CCO")]


def test_tsv_is_split_at_tabs(write):
    assert read(write("a.tsv", "smiles\tname, long\nCCO\tx\n")) == [(2, "a.tsv:2", "CCO")]


def test_csv_cell_that_ends_in_a_newline_is_stripped_and_lines_are_still_counted(write):
    path = write("a.csv", 'smiles,logP\n"CCO\n",1.0\n"CCN\n",2.0\n')
    assert read(path) == [(2, "a.csv:2", "CCO"), (4, "a.csv:4", "CCN")]


def test_csv_byte_order_mark_and_windows_line_ends_are_understood(write):
    assert read(write("a.csv", "\ufeffsmiles\r\nCCO\r\n")) == [(2, "a.csv:2", "CCO")]


def test_csv_row_of_the_wrong_width_is_a_record_without_structure(write):
    path = write("a.csv", "smiles,name\nCCO,a,b\n,c\n\n,\nCCC,d\n")
    assert [smiles for _, _, smiles in read(path)] == ["", "", "CCC"]


def test_parquet_rows_are_counted_from_one(tmp_path):
    pd.DataFrame({"smiles": ["CCO", None, "CCN"], "key": [7, 8, 9]}).to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", id_column="key") == [(1, "7", "CCO"), (2, "8", ""), (3, "9", "CCN")]


def test_parquet_may_be_compressed_too(tmp_path, write):
    pd.DataFrame({"smiles": ["CCO"]}).to_parquet(tmp_path / "a.parquet")
    path = write("b.parquet.gz", (tmp_path / "a.parquet").read_bytes())
    assert read(path) == [(1, "b.parquet.gz:1", "CCO")]


def sdf_record(smiles, name="", **fields):
    mol = Chem.MolFromSmiles(smiles)
    mol.SetProp("_Name", name)
    return Chem.MolToMolBlock(mol) + "".join(f"> <{key}>\n{value}\n\n" for key, value in fields.items())


@pytest.mark.parametrize("end", ["$$$$\n", "$$$$", ""])
def test_sdf_records_are_read_with_or_without_the_last_end_line(write, end):
    content = sdf_record("CCO", "ethanol") + "$$$$\n" + sdf_record("CCN") + end
    first, second = read(write("a.sdf", content))
    assert first == (1, "ethanol", "CCO")
    assert second[2] == "CCN"
    assert second[1] == f"a.sdf:{second[0]}"


def test_sdf_keeps_stereochemistry(write):
    mol = Chem.MolFromSmiles("C[C@H](N)C(=O)O")
    rdDepictor.Compute2DCoords(mol)
    Chem.WedgeMolBonds(mol, mol.GetConformer())
    assert read(write("a.sdf", Chem.MolToMolBlock(mol)))[0][2] == "C[C@H](N)C(=O)O"


def test_sdf_name_may_come_from_a_field(write):
    content = sdf_record("CCO", "title", key="K1") + "$$$$\n" + sdf_record("CCN", "title") + "$$$$\n"
    assert [name for _, name, _ in read(write("a.sdf", content), id_column="key")] == ["K1", "title"]


def test_sdf_unreadable_structure_is_a_record_and_bad_valence_is_shown(write):
    valence = sdf_record("CC(C)(C)C").replace(" C ", " N ")
    records = read(write("a.sdf", "x\n\n\nnonsense\n$$$$\n" + valence + "$$$$\n" + sdf_record("CCO") + "$$$$\n"))
    assert records[0][2] == ""
    assert Chem.MolFromSmiles(records[1][2], sanitize=False) is not None
    assert Chem.MolFromSmiles(records[1][2]) is None
    assert records[2][2] == "CCO"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.smi", "", "expected molecules, found none"),
        ("a.smi", "\n \n", "expected molecules, found none"),
        ("a.smi", "smiles\n", "expected molecules, found none"),
        ("a.csv", "", "expected molecules, found none"),
        ("a.csv", "smiles,name\n", "expected molecules, found none"),
        ("a.sdf", "\n", "expected molecules, found none"),
        ("a.smi", b"CC\xff\n", "expected text in UTF-8, found the byte 0xff"),
        ("a.smi", gzip.compress(b"CCO\n", mtime=0), "expected text in UTF-8"),
        ("a.parquet", "nonsense", "expected a Parquet table"),
        ("a.xlsx", "", "expected a molecule file ending in .smi, .csv"),
        ("smiles", "", "expected a molecule file ending in"),
    ],
)
def test_an_unusable_file_is_one_clear_error(write, name, content, expected):
    path = write(name, content)
    with pytest.raises(DataError, match=expected) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_file_without_records_can_be_allowed(write):
    assert list(read_molecules(write("a.csv", "smiles,name\n"), may_be_empty=True)) == []


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    (tmp_path / "folder.smi").mkdir()
    with pytest.raises(DataError, match="found none; check the path"):
        read(tmp_path / "none.smi")
    with pytest.raises(DataError, match="found a folder"):
        read(tmp_path / "folder.smi")


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:-20], lambda whole: whole[:40] + b"\0" * 40, lambda _: b"CCO\n"]
)
def test_a_cut_or_damaged_gzip_file_is_one_clear_error(tmp_path, damage):
    path = tmp_path / "a.smi.gz"
    path.write_bytes(damage(gzip.compress("".join(f"{'C' * n} x{n}\n" for n in range(1, 200)).encode())))
    with pytest.raises(DataError, match=r"gzip"):
        read(path)


@pytest.mark.parametrize(
    ("header", "options", "expected"),
    [
        ("a,b", {}, "expected a column with SMILES, found the columns 'a', 'b'"),
        ("smiles_a,smiles_b", {}, "expected one column with SMILES, found 'smiles_a', 'smiles_b'"),
        ("a,b", {"smiles_column": "c"}, "expected one column 'c', found none; the columns are 'a', 'b'"),
        ("smiles,b", {"id_column": "c"}, "expected one column 'c', found none"),
    ],
)
def test_a_column_that_cannot_be_told_is_a_wrong_setting_that_lists_the_columns(write, header, options, expected):
    with pytest.raises(ConfigError, match=expected):
        read(write("a.csv", f"{header}\nx,y\n"), **options)


@pytest.mark.parametrize("column", [[["C"]], [b"C"], [1.5], [{"a": "C"}]])
def test_a_parquet_column_of_no_text_is_named_with_its_type(tmp_path, column):
    pd.DataFrame({"smiles": column}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="expected SMILES as text in the column 'smiles', found"):
        read(tmp_path / "a.parquet")


def test_parquet_text_that_is_no_utf8_is_one_clear_error(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    broken = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"C\xff"))
    pq.write_table(pa.table({"smiles": broken}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="expected text in UTF-8"):
        read(tmp_path / "a.parquet")


def test_packed_parquet_that_is_too_large_to_unpack_is_refused(write, tmp_path, monkeypatch):
    pd.DataFrame({"smiles": ["C"]}).to_parquet(tmp_path / "a.parquet")
    monkeypatch.setattr("molvae.chem.parquet._MAX_UNPACKED", 100)
    with pytest.raises(DataError, match="at most 100 bytes when unpacked"):
        read(write("b.parquet.gz", (tmp_path / "a.parquet").read_bytes()))


@pytest.mark.parametrize("name", ["a\nb", "\x1b]0;title\x07", "\u202eabc"])
def test_a_name_is_on_one_line(tmp_path, name):
    pd.DataFrame({"smiles": ["CCO"], "id": [name]}).to_parquet(tmp_path / "a.parquet")
    [(_, read_name, _)] = read(tmp_path / "a.parquet", id_column="id")
    assert read_name.isprintable()


def test_a_structure_that_rdkit_reads_but_cannot_write_is_bad_alone(write):
    def block(ends):
        return (
            "x\n  by hand 2D\n\n  0  0  0     0  0            999 V3000\nM  V30 BEGIN CTAB\n"
            "M  V30 COUNTS 4 2 0 0 0\nM  V30 BEGIN ATOM\nM  V30 1 C 0 0 0 0\nM  V30 2 C 1 0 0 0\n"
            "M  V30 3 * 4 0 0 0\nM  V30 4 Br 5 0 0 0\nM  V30 END ATOM\nM  V30 BEGIN BOND\nM  V30 1 1 1 2\n"
            f"M  V30 2 1 3 4 ENDPTS={ends} ATTACH=ANY\nM  V30 END BOND\nM  V30 END CTAB\nM  END\n$$$$\n"
        )

    bad, good = read_molecules(write("a.sdf", block("(2 1 ; 2)") + block("(2 1 2)")))
    assert not bad.smiles
    assert "cannot write as SMILES" in bad.problem
    assert good.smiles


def test_a_structure_without_atoms_says_so(write):
    [record] = read_molecules(write("a.sdf", "x\n  by hand\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n$$$$\n"))
    assert (record.smiles, record.problem) == ("", "a structure without atoms")
