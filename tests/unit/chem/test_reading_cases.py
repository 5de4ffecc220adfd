"""Files as people have them, one a kind of trouble: what is read from each, row by row."""

from pathlib import Path

import pandas as pd
import pytest

from molvae.chem.molecules import canonical_smiles, why_not_a_molecule
from molvae.chem.quiet import quiet
from molvae.chem.reading import Columns, read_records, smiles_column_of, with_structure
from molvae.errors import ConfigError, DataError

CASES = Path(__file__).parents[2] / "cases"
BUTANES = ["CCCCO", "CCCCN"]
BROKEN = "quotes not in pairs: "


def outcomes(path, **columns):
    """Return of each row its canonical SMILES, or why it has none."""
    with quiet():
        return [
            canonical_smiles(record.smiles) or record.problem or why_not_a_molecule(record.smiles)
            for record in map(with_structure, read_records(path, Columns(**columns)))
        ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "blank_salt.csv",
            [
                "CCCCN",
                "text after a blank: 'HCl'",
                "text after a blank: '1/2 H2O'",
                "text after a blank: 'CCCO'",
                "text after a blank: 'CCCCl'",
                "CC[C@H](O)CN",
            ],
        ),
        (
            "blank_salt.tsv",
            ["CCCCN", "text after a blank: 'x HCl'", "text after a blank: 'lot 3'", "text after a blank: '|open'"],
        ),
        ("blank_after_tab.smi", ["CCCCN", "CCCCO", "text after a blank: '|no bar at the end'"]),
        (
            "several.csv",
            [
                "a link node, an atom that is repeated",
                "the brackets of a polymer",
                "a group whose position varies",
                "an attachment point",
                "an atom of a query",
                "CC[C@H](O)CN",
            ],
        ),
        ("several.smi", ["the brackets of a polymer", "OCC1CC1", "a group whose position varies"]),
        (
            "several_v3000.sdf",
            ["the brackets of a polymer", "a group whose position varies", "an attachment point", "C[C@H](N)CO"],
        ),
        (
            "racemate.csv",
            [
                "CCC(NC(C)=O)c1ccncc1",
                "CCC(NC(C)=O)c1ccncc1",
                "CC[C@H](NC(C)=O)c1ccncc1",
                "CC[C@@H](NC(C)=O)c1ccncc1",
                "CCC(=O)NC[C@H](C)O",
            ],
        ),
        ("racemate.smi", ["CCC(N)CO", "CCC(N)CO", "CC[C@H](N)CO", "CCC(N)CO"]),
        ("racemate_v3000.sdf", ["CC(N)CO", "CC(N)CO", "C[C@H](N)CO"]),
        ("quotes_across.tsv", ["CCCCO", "CCCCN", "CCCCF", "CCCCS", "CCCCl", "CCCCBr"]),
        ("quotes_across.csv", ["CCCCO", BROKEN + 'CCCCN,"gel,5.1', "CCCCF", "CCCCS", "CCCCl", "CCCCBr"]),
        ("quotes_across.txt", ["CCCCO", BROKEN + 'CCCCN;"gel;5.1', "CCCCF", "CCCCS", "CCCCl", "CCCCBr"]),
        ("quote_alone.tsv", ["CCCCO", "CCCCN", "CCCCS", "CCCCF"]),
        ("quote_alone.csv", ["CCCCO", BROKEN + 'CCCCN,"open', "CCCCS", "CCCCF"]),
        ("quotes_within_a_line.tsv", BUTANES),
        ("line_breaks.csv", ["CCCCO", "CCCCN", "CCCCS"]),
        ("line_breaks.tsv", ["CCCCO", "CCCCN", "CCCCS"]),
        ("commas_in_names.csv", BUTANES),
        ("commas_in_names_tab.csv", BUTANES),
        ("semicolons_in_names.csv", BUTANES),
        ("bare_commas.csv", BUTANES),
        ("bars.csv", BUTANES),
        ("bars.txt", BUTANES),
        ("separator_line.csv", BUTANES),
        ("separator_line_quoted.csv", BUTANES),
        ("title_lines.csv", BUTANES),
        ("comment_lines.csv", BUTANES),
        ("name_with_line_break.csv", BUTANES),
        ("row_names.csv", ["CCCCO", "CCCCN", "CCCCS"]),
        ("row_names.tsv", BUTANES),
        ("trailing_semicolon.csv", ["CCCCO", "CCCCN", "CCCCS"]),
        ("trailing_in_header.csv", BUTANES),
        ("short_rows.csv", ["CCCCO", "CCCCN", "CCCCS"]),
        ("short_rows.tsv", ["CCCCO", "1 cells where the header has 3: 5.1", "CCCCS"]),
        ("twice.csv", BUTANES),
        ("twice_differently.tsv", ["CCCCO", "several columns of one name that differ: 'CCCCN' and 'CCCCS'"]),
        ("names.smiles", BUTANES),
        ("names.ism", BUTANES),
        ("names.txt", BUTANES),
        ("table.txt", BUTANES),
        ("block_in_field.sdf", ["CCCCO", "CCCCS"]),
        ("no_end_between.sdf", ["several structures without $$$$ between them", "CCCCS"]),
        (
            "loose_ends.sdf",
            [
                "CCCCO",
                "a blank line within the structure, its line 14",
                "no line M  END after the structure",
                "no line M  END after the structure",
            ],
        ),
    ],
)
def test_a_file_is_read_as_it_was_meant_or_its_rows_say_why_not(name, expected):
    assert outcomes(CASES / name) == expected


@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        ("quotes_across.tsv", "pKi", ["5.0", "5.1", "5.2", "5.3", "5.4", "5.5"]),
        ("quotes_across.csv", "pKi", ["5.0", "", "5.2", "5.3", "5.4", "5.5"]),
        ("quote_alone.tsv", "note", ["plain", '"inch', "plain", '3" tube']),
        ("quotes_within_a_line.tsv", "pKi", ["5.0", "5.1"]),
        ("quotes_within_a_line.tsv", "note", ['"a', "c"]),
        ("line_breaks.csv", "note", ["first\nsecond, third", 'a "word"', "x"]),
        ("line_breaks.tsv", "note", ["first\nsecond", "with\ttab", 'a "word"']),
        ("commas_in_names.csv", "IC50, nM, n=3", ["1,5", "12"]),
        ("bare_commas.csv", "IC50, nM, rat", ["1,5", "12"]),
        ("title_lines.csv", "pKi ", ["5.0", "5.1"]),
        ("name_with_line_break.csv", "pKi\n(mean)", ["5.0", "5.1"]),
        ("row_names.csv", "pKi", ["5.0", "5.1", "5.2"]),
        ("row_names.tsv", "pKi", ["5.0", "5.1"]),
        ("short_rows.csv", "note", ["", "", "x"]),
        ("block_in_field.sdf", "pKi", ["5.0", "5.1"]),
        ("loose_ends.sdf", "pKi", ["5.0", "5.1", "5.2", ""]),
    ],
)
def test_the_values_are_those_of_their_own_rows(name, field, expected):
    assert [record.extra for record in read_records(CASES / name, Columns(extra=(field,)))] == [
        (value,) for value in expected
    ]


def test_a_column_that_stands_twice_can_be_named():
    assert outcomes(CASES / "twice.csv", smiles="SMILES") == BUTANES


@pytest.mark.parametrize("wanted", ["SMILES ", " SMILES"])
def test_blanks_around_the_name_of_a_column_do_not_count(tmp_path, wanted):
    assert outcomes(CASES / "twice.csv", smiles=wanted) == BUTANES
    pd.DataFrame({"SMILES ": BUTANES, "b_smiles": "C"}).to_parquet(tmp_path / "a.parquet")
    assert outcomes(tmp_path / "a.parquet", smiles=wanted) == BUTANES


def test_text_after_a_blank_in_a_parquet_cell_is_not_cut_off(tmp_path):
    pd.DataFrame({"smiles": ["CCCCO", "CCCCN HCl", "CC[C@H](O)CN |a:2|"]}).to_parquet(tmp_path / "a.parquet")
    assert outcomes(tmp_path / "a.parquet") == ["CCCCO", "text after a blank: 'HCl'", "CC[C@H](O)CN"]


@pytest.mark.parametrize(
    ("name", "options", "error", "said"),
    [
        ("other_field.sdf", {"extra": ("pKi",)}, ConfigError, "found it in no record; the fields are 'PKI', 'Pki'"),
        ("other_field.sdf", {"id": "code"}, ConfigError, "expected the data field 'code', found it in no record"),
        ("plain_text.csv.gz", {}, DataError, "expected gzip-compressed data, found plain text; take .gz off"),
        ("plain_text.smi.bz2", {}, DataError, "expected bzip2-compressed data, found plain text; take .bz2 off"),
        ("plain_text.tsv.zst", {}, DataError, "expected Zstandard-compressed data, found plain text; take .zst off"),
    ],
)
def test_what_cannot_be_read_says_so_in_one_line(name, options, error, said):
    with pytest.raises(error) as caught:
        outcomes(CASES / name, **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "column"),
    [("bars.csv", "SMILES"), ("separator_line.csv", "SMILES"), ("table.txt", "SMILES"), ("names.txt", None)],
)
def test_the_column_is_named_before_the_work(name, column):
    assert smiles_column_of(CASES / name, Columns()) == column
