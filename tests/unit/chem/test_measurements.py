import math

import pytest

from molvae.chem.measurements import DecimalMarks, Measurement, read_bound, read_measurement
from molvae.chem.reading import Record


@pytest.mark.parametrize(
    ("text", "value"),
    [("6.3", 6.3), (" 6,3 ", 6.3), ("0,125", 0.125), ("1e-3", 0.001), ("\u22122,5", -2.5), ("7.", 7.0), (".5", 0.5)],
)
def test_a_number_may_have_a_decimal_comma(text, value):
    assert read_measurement(text) == Measurement(value=value)


@pytest.mark.parametrize("text", [">10", "< 4.5", ">=9", "≤3", ">>100", "<0,5"])
def test_a_bound_is_kept_apart(text):
    assert read_measurement(text) == Measurement(censored=text)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        (">10", (True, 10.0)),
        ("< 4.5", (False, 4.5)),
        ("=>9", (True, 9.0)),
        ("≤-3", (False, -3.0)),
        ("≥ 0,5", (True, 0.5)),
    ],
)
def test_a_bound_has_a_side_and_a_number(text, bound):
    assert read_measurement(text).censored == text
    assert read_bound(text) == bound


@pytest.mark.parametrize(
    "text",
    [
        "1_000",
        "1,234",
        "1.234,5",
        "1,234.5",
        "n.d.",
        "6.3 nM",
        "inf",
        "1e999",
        "0x10",
        "\u0665",
        "~5",
        "6.0 / 6.1",
        "5-7",
    ],
)
def test_what_is_not_surely_a_number_is_none(text):
    assert read_measurement(text) == Measurement(unreadable=text)


@pytest.mark.parametrize("text", ["", "NaN", "n/a", "None"])
def test_an_empty_cell_says_nothing(text):
    assert read_measurement(text) == Measurement()


@pytest.mark.parametrize(
    ("cells", "is_decimal"),
    [(["1,234", "2,5"], True), (["1,234", "2.5"], False), (["1,234", "2,5", "1,234,567"], False), (["1,234"], False)],
)
def test_a_comma_before_three_digits_means_what_the_other_cells_of_the_file_say(cells, is_decimal):
    marks = DecimalMarks(1)
    records = [Record("a.csv", n, "x", "C", extra=(cell, "9,9")) for n, cell in enumerate(cells)]
    assert list(marks.seen(records)) == records
    assert ("a.csv" in marks.decimal_commas.files) == is_decimal
    assert read_measurement("1,234", comma_is_decimal=True) == Measurement(value=1.234)


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["1.234", "12,5"], None),
        (["1.234", "1.234,5"], None),
        # No cell shows that a comma is decimal here.
        (["1.234", "2.5"], 1.234),
        (["1.234", "1,234"], 1.234),
        (["1.23", "12,5"], 1.23),
        # One odd cell among decimal points costs no other.
        (["6.301", "6,3", "5.84"], 6.301),
        (["0.123", "12,5"], 0.123),
        (["1.234", "12,5", "1,234,567"], 1.234),
    ],
)
def test_a_point_before_three_digits_is_not_read_where_commas_are_decimal(cells, value):
    marks = DecimalMarks(1)
    list(marks.seen(Record("a.csv", n, "x", "C", extra=(cell,)) for n, cell in enumerate(cells)))
    expected = Measurement(unreadable=cells[0]) if value is None else Measurement(value=value)
    assert marks.decimal_commas.read(cells[0], "a.csv") == expected


def test_a_semicolon_between_cells_says_nothing_of_a_point():
    assert DecimalMarks(1, ["a.csv"]).decimal_commas.read("1.234", "a.csv") == Measurement(value=1.234)


def test_a_bound_whose_comma_may_group_thousands_has_no_number():
    above, number = read_bound(">10,000")
    assert above
    assert math.isnan(number)
    assert read_bound("<0,5") == (False, 0.5)
