import math

import pytest

from molvae.report.numerals import count, decimals_for, inflected, listed, number, percent, plural


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.0, "0\u00a0%"),
        (1.0, "100\u00a0%"),
        (0.8731, "87.3\u00a0%"),
        (0.9996, "99.96\u00a0%"),
        (0.00012, "0.01\u00a0%"),
        (0.99999, "above 99.99\u00a0%"),
        (0.00001, "below 0.01\u00a0%"),
        (math.nan, "–"),
    ],
)
def test_a_near_miss_is_never_rounded_to_all_or_nothing(fraction, text):
    assert percent(fraction) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(4.104, 2, "4.10"), (41.0, 2, "41"), (12345.678, 1, "12,345.7"), (math.nan, 2, "–"), (-0.25, 1, "-0.2")],
)
def test_numbers_have_fixed_decimals_and_whole_ones_none(value, digits, text):
    assert number(value, digits) == text


def test_counts_and_their_nouns():
    assert count(10_000) == "10,000"
    assert plural(1, "molecule") == "1 molecule"
    assert plural(2000, "molecule") == "2,000 molecules"


@pytest.mark.parametrize(("n", "text"), [(0, "are"), (1, "is"), (2, "are")])
def test_a_verb_agrees_with_its_count(n, text):
    assert inflected(n, "is", "are") == text


@pytest.mark.parametrize(("items", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), ([*"abc"], "a, b and c")])
def test_a_list_reads_as_a_phrase(items, text):
    assert listed(items) == text


@pytest.mark.parametrize(
    ("values", "least", "decimals"),
    [
        ([8.7, 6.1], 2, 2),
        ([0.55, 0.2], 2, 2),
        ([1250.0], 2, 2),
        ([0.034], 2, 3),
        ([3.2e-8, math.nan], 2, 9),
        ([0.0], 3, 3),
        ([], 2, 2),
    ],
)
def test_small_values_have_more_decimals(values, least, decimals):
    assert decimals_for(values, least) == decimals


def test_a_fraction_above_one_is_not_cut():
    assert [percent(fraction) for fraction in (0.99999, 1.0, 1.00001, 4.0)] == [
        "above 99.99\u00a0%",
        "100\u00a0%",
        "100.0\u00a0%",
        "400.0\u00a0%",
    ]
