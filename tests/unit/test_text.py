import pandas as pd
import pytest

from molvae.files import read_table, write_table
from molvae.text import one_line, printable, spreadsheet_safe

FORMULAS = ["=cmd|' /C calc'!A0", "+1+cmd", "-2+3", "@SUM(A1)", "\t=1", '=HYPERLINK("http://a")']


def test_control_characters_are_shown_as_escapes():
    assert printable("a\tb\nc") == r"a\tb\nc"
    assert printable("\u202eabc\x1b[31m") == r"\u202eabc\x1b[31m"


def test_a_name_stays_on_its_line_and_keeps_its_blanks():
    assert one_line("CHEMBL25\n$$$$\nINJECTED") == r"CHEMBL25\n$$$$\nINJECTED"
    assert one_line("β-\xa0Ionon, 96 %") == "β-\xa0Ionon, 96 %"
    assert one_line("\u2028\x1b]0;title\x07") == r"\u2028\x1b]0;title\x07"


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_put_behind_an_apostrophe(tmp_path, text):
    write_table(tmp_path / "a.csv", pd.DataFrame({"id": [text, "plain"], text: [1.5, -2.0]}))
    written = read_table(tmp_path / "a.csv")
    assert written["id"].tolist()[1] == "plain"
    assert written["id"][0].startswith("'")
    assert list(written.columns)[1].startswith("'")
    assert written.iloc[:, 1].tolist() == [1.5, -2.0]


@pytest.mark.parametrize(
    "text", ["-5.1", "+3", "-inf", "-5,3", "+1.234,5", "+++", "-", "C[NH3+]", "[O-]C=O", "(-)-menthol", "", "'=1"]
)
def test_numbers_smiles_and_names_stay(text):
    assert spreadsheet_safe(pd.DataFrame({"a": [text]}))["a"].tolist() == [text]


def test_a_parquet_table_keeps_text_as_it_is(tmp_path):
    write_table(tmp_path / "a.parquet", pd.DataFrame({"id": FORMULAS}))
    assert read_table(tmp_path / "a.parquet")["id"].tolist() == FORMULAS


def test_a_carriage_return_in_a_cell_ends_no_line(tmp_path):
    write_table(tmp_path / "a.csv", pd.DataFrame({"id": ["a\rb", "c\nd", "e\r\nf"], "n": [1, 2, 3]}))
    assert read_table(tmp_path / "a.csv")["id"].tolist() == [r"a\rb", "c\nd", "e\\r\nf"]
