import bz2
import gzip
import zipfile

import pyarrow as pa
import pytest

from molvae.chem.open_file import MAX_LINE_LENGTH, explained, open_lines
from molvae.chem.reading import Columns, read_molecules, read_records, with_structure
from molvae.errors import ConfigError, DataError

MANY = "".join(f"{'C' * (n % 40 + 1)} x{n}\n" for n in range(1, 3000)).encode()


def zst(content):
    return pa.compress(content, "zstd", asbytes=True)


PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".zst": zst}


def write(path, content):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path, **options):
    return [(record.line, record.smiles) for record in read_molecules(path, **options)]


def refusal(path, **options):
    with pytest.raises((DataError, ConfigError)) as error:
        read(path, **options)
    message = str(error.value)
    assert message.startswith(f"{path}: expected ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("ending", PACK)
def test_every_compression_is_unpacked(tmp_path, ending):
    path = write(tmp_path / f"a.smi{ending}", PACK[ending](MANY))
    assert len(read(path)) == 2999


@pytest.mark.parametrize("ending", PACK)
def test_parts_packed_one_after_the_other_are_one_file(tmp_path, ending):
    path = write(tmp_path / f"a.smi{ending}", PACK[ending](b"CCO\n") + PACK[ending](b"CCN\n"))
    assert read(path) == [(1, "CCO"), (2, "CCN")]


@pytest.mark.parametrize(("ending", "kind"), [(".gz", "gzip"), (".bz2", "bzip2"), (".zst", "Zstandard")])
@pytest.mark.parametrize("damage", [lambda whole: whole[:-20], lambda whole: whole[: len(whole) // 2]])
def test_a_cut_compressed_file_is_refused(tmp_path, ending, kind, damage):
    path = write(tmp_path / f"a.smi{ending}", damage(PACK[ending](MANY)))
    assert f"expected a whole {kind} file, found a cut or damaged one; fetch it again" in refusal(path)


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.parametrize("content", [MANY, b"SMILES,pKi\nCCCO,5.1\n", "smiles\té\n".encode()])
def test_plain_text_with_the_ending_of_a_compression_says_to_take_it_off(tmp_path, ending, content):
    assert f"found plain text; take {ending} off the file's name" in refusal(
        write(tmp_path / f"a.smi{ending}", content)
    )


def test_a_compression_under_the_name_of_another_is_told(tmp_path):
    message = refusal(write(tmp_path / "a.smi.gz", bz2.compress(MANY)))
    assert "expected gzip-compressed data, found bzip2-compressed data; give the file the ending .bz2" in message


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0f\nsize 67916778\n"
PAGE = b"\n<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n"


@pytest.mark.parametrize("name", ["a.smi", "a.csv", "a.csv.gz", "a.sdf", "a.parquet", "a.smi.zst"])
@pytest.mark.parametrize(("content", "said"), [(POINTER, "a Git LFS pointer"), (PAGE, "a web page")])
def test_what_stands_in_place_of_a_file_is_named(tmp_path, name, content, said):
    assert f"expected molecules, found {said}" in refusal(write(tmp_path / name, content))


def test_a_packed_error_page_is_named_too(tmp_path):
    assert "found a web page" in refusal(write(tmp_path / "a.csv.gz", gzip.compress(PAGE)))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named(tmp_path, encoding):
    assert "UTF-16" in refusal(write(tmp_path / "a.smi", "CCO ethanol\nCCN\n".encode(encoding)))


def test_latin_1_is_refused_with_its_line(tmp_path):
    path = write(tmp_path / "a.smi", b"CCO\n" * 5000 + "CCN éthylamine\n".encode("latin-1"))
    assert "found the byte 0xe9 near line 5001" in refusal(path)
    assert "iconv -f LATIN1" in refusal(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(MANY, mtime=0), ".gz"),
        (bz2.compress(MANY), ".bz2"),
        (zst(MANY), ".zst"),
        (b"PAR1\x15\x04", ".parquet"),
    ],
)
def test_a_file_without_its_ending_is_refused_with_the_right_one(tmp_path, content, said):
    assert f"give the file the ending {said}" in refusal(write(tmp_path / "a.smi", content))


def test_a_spreadsheet_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.csv", "w") as archive:
        archive.writestr("xl/workbook.xml", "x")
    assert "export it as .csv" in refusal(tmp_path / "a.csv")


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfCCO x\r\nCCN y\r\n", b"CCO x\rCCN y\r", b"CCO x\nCCN y"])
def test_marks_and_line_ends_of_other_systems_are_read(tmp_path, content):
    assert read(write(tmp_path / "a.smi", content)) == [(1, "CCO"), (2, "CCN")]


def test_a_row_with_a_zero_byte_is_bad_alone(tmp_path):
    path = write(tmp_path / "a.csv", "smiles\nCCO\nCC\0O\nCCN\n")
    records = list(read_records(path, Columns()))
    assert [record.smiles for record in records] == ["CCO", "", "CCN"]
    assert "zero bytes" in records[1].problem


@pytest.mark.parametrize(("name", "header"), [("a.smi", ""), ("a.csv", "smiles\n"), ("a.csv", "smiles,name\n")])
def test_a_line_of_a_million_characters_is_bad_alone_and_not_held(tmp_path, name, header):
    rows = f"{header}CCO{',x' if 'name' in header else ''}\n{'C' * 10**6}\nCCN{',y' if 'name' in header else ''}\n"
    first, long, last = read_records(write(tmp_path / name, rows), Columns())
    assert (first.smiles, last.smiles) == ("CCO", "CCN")
    assert "<line-of-1000000-characters>" in long.smiles + long.problem


def test_no_line_is_longer_than_the_bound(tmp_path):
    path = write(tmp_path / "a.txt", "x" * MAX_LINE_LENGTH + "\n" + "y\n" + "z" * (MAX_LINE_LENGTH - 1) + "\n")
    with open_lines(path) as lines:
        assert [len(line) for line in lines] == [len(f"<line-of-{MAX_LINE_LENGTH}-characters>\n"), 2, MAX_LINE_LENGTH]


@pytest.mark.parametrize("cell", ["", "NaN", "nan", "N/A", "null", "None"])
def test_a_cell_that_says_there_is_nothing_is_a_row_without_a_structure(tmp_path, cell):
    path = write(tmp_path / "a.csv", f"smiles,x\nCCO,1\n{cell},2\n")
    record = list(read_records(path, Columns()))[1]
    assert (record.line, record.smiles) == (3, "")
    assert record.problem


@pytest.mark.parametrize("n_after", [1, 50_000])
def test_a_quote_that_does_not_close_costs_its_own_row_alone(tmp_path, n_after):
    path = write(tmp_path / "a.csv", 'smiles,name\nCCO,x\nCCN,"y\n' + "CCC,z\n" * n_after)
    records = list(read_records(path, Columns()))
    assert [record.line for record in records] == list(range(2, n_after + 4))
    assert [record.line for record in records if not record.smiles] == [3]
    assert records[1].problem == 'quotes not in pairs: CCN,"y'


def test_a_stray_quote_is_a_row_that_is_bad_alone(tmp_path):
    path = write(tmp_path / "a.csv", 'smiles,name\nCCO,"x" y\nCCN,z\n')
    bad, good = read_records(path, Columns())
    assert (bad.line, bad.smiles, good.line, good.smiles) == (2, "", 3, "CCN")
    assert "quotes" in bad.problem


def test_a_row_of_the_wrong_width_says_what_it_holds(tmp_path):
    path = write(tmp_path / "a.csv", "smiles,name\nCCO,x,y\nCCN,z\n")
    assert next(read_records(path, Columns())).problem == "3 cells where the header has 2: CCO,x,y"


def test_further_columns_are_carried_as_text(tmp_path):
    path = write(tmp_path / "a.csv", "smiles,key,pIC50\nCCO,k1, 6.5 \n")
    [record] = read_records(path, Columns(id="key", extra=("pIC50", "key")))
    assert (record.id, record.extra) == ("k1", ("6.5", "k1"))
    with pytest.raises(ConfigError, match="expected one column 'Ki', found none; the columns are 'smiles', 'key'"):
        list(read_records(path, Columns(extra=("Ki",))))
    with pytest.raises(ConfigError, match=r"found a \.smi file, which has none"):
        list(read_records(write(tmp_path / "a.smi", "CCO\n"), Columns(extra=("Ki",))))


ETHANOL = "ethanol\n     x\n\n  3  2  0  0  0  0  0  0  0  0999 V2000\n" + (
    "    0.0000    0.0000    0.0000 C   0  0\n    1.0000    0.0000    0.0000 C   0  0\n"
    "    2.0000    0.0000    0.0000 O   0  0\n  1  2  1  0\n  2  3  1  0\nM  END\n"
)


def test_a_broken_block_in_the_middle_of_an_sdf_is_bad_alone(tmp_path):
    broken = ETHANOL.replace("  3  2  0", "  9  2  0")
    path = write(tmp_path / "a.sdf", "$$$$\n".join([ETHANOL, broken, ETHANOL, ""]))
    first, bad, last = map(with_structure, read_records(path, Columns()))
    assert (first.smiles, bad.smiles, last.smiles) == ("CCO", "", "CCO")
    assert bad.problem == "no structure that can be read"


def test_structures_that_run_into_one_another_do_not_vanish(tmp_path):
    path = write(tmp_path / "a.sdf", ETHANOL + ETHANOL + "$$$$\n" + ETHANOL + "$$$$\n")
    both, last = map(with_structure, read_records(path, Columns()))
    assert both.problem == "several structures without $$$$ between them"
    assert last.smiles == "CCO"


def test_an_sdf_without_ends_is_not_held_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("molvae.chem.sdf_records._MAX_LINES", 10)
    [record] = read_records(write(tmp_path / "a.sdf", "x\n" * 500), Columns())
    assert record.problem == "a record of 500 lines"


def test_sdf_data_fields_are_carried(tmp_path):
    path = write(tmp_path / "a.sdf", ETHANOL + "> <pIC50>\n6.5\n\n> <key>\nk1\n\n$$$$\n")
    [record] = read_records(path, Columns(id="key", extra=("pIC50",)))
    assert (record.id, record.extra) == ("k1", ("6.5",))


@pytest.mark.parametrize("columns", [Columns(extra=("pic50",)), Columns(extra=("pIC50", "Ki")), Columns(id="code")])
def test_a_field_that_no_record_of_an_sdf_has_is_refused_as_a_column_is(tmp_path, columns):
    path = write(tmp_path / "a.sdf", ETHANOL + "> <pIC50>\n6.5\n\n$$$$\n" + ETHANOL + ">  <lot>  (2)\n7\n\n$$$$\n")
    with pytest.raises(ConfigError, match="found it in no record; the fields are 'pIC50', 'lot'"):
        list(read_records(path, columns))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "denied"), "found that you may not"),
        (IsADirectoryError(21, "folder"), "found a folder"),
        (FileNotFoundError(2, "none"), "found none"),
        (OSError(5, "Input/output error"), "found an error"),
    ],
)
def test_what_the_system_refuses_is_one_clear_error(tmp_path, error, said):
    with pytest.raises(DataError, match=said), explained(tmp_path):
        raise error


@pytest.mark.parametrize("name", ["a.smi", "a.csv", "a.tsv", "a.sdf", "a.smi.gz", "a.csv.bz2", "a.csv.zst"])
def test_an_empty_file_is_refused(tmp_path, name):
    content = PACK.get("." + name.rsplit(".", 1)[1], lambda content: content)(b"")
    assert "expected molecules, found none; the file is empty" in refusal(write(tmp_path / name, content))
