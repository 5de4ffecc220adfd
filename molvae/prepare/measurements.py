"""Read measured values from the cells of a table, and merge those of one molecule."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from molvae.chem.reading import NO_VALUE, Record
from molvae.tables import CENSORED, MEASURED, N_VALUES, STANDARD_DEVIATION

MergeRule = Literal["mean", "median", "first"]

_DIGITS = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_NUMBER = re.compile(rf"[-+]?{_DIGITS}")
_CENSORED = re.compile(rf"(?:[<>]=?|=[<>]|<<|>>|[≤≥⩽⩾])\s*[-+]?(?:{_DIGITS}|[0-9]*,[0-9]+)")
_WITH_COMMA = re.compile(r"[-+]?[0-9]*,[0-9]+(?:[eE][-+]?[0-9]+)?")
# May be 1.234 in one country, and 1234 in another.
_AMBIGUOUS = re.compile(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}")
_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(?:(?:,[0-9]{3}){2,}|(?:,[0-9]{3})+\.[0-9]*)")

DecimalCommas = frozenset[str]
"""The files whose values have decimal commas for certain, so that 1,234 is less than 2 there."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a cell says: at most one of these.

    Attributes:
        value: The number.
        censored: A bound, such as `>10`, as it is written.
        unreadable: Other text that is not a number.
    """

    value: float | None = None
    censored: str | None = None
    unreadable: str | None = None


def read_measurement(text: str, *, comma_is_decimal: bool = False) -> Measurement:
    """Read a cell of a measured property.

    Args:
        text: The cell. The decimal mark is a point or a comma; thousands are not grouped.
        comma_is_decimal: Whether a comma before three digits is a decimal comma too; otherwise it may group thousands,
            and such a cell is not read.
    """
    text = text.strip().replace("\N{MINUS SIGN}", "-")
    if text.lower() in NO_VALUE:
        return Measurement()
    if _CENSORED.fullmatch(text):
        return Measurement(censored=text)
    if _WITH_COMMA.fullmatch(text) and (comma_is_decimal or not _AMBIGUOUS.fullmatch(text)):
        text = text.replace(",", ".")
    number = float(text) if _NUMBER.fullmatch(text) else np.inf
    return Measurement(value=number) if np.isfinite(number) else Measurement(unreadable=text)


class DecimalMarks:
    """Evidence for what a comma means in the measured values of each file, from all of its cells."""

    def __init__(self, n_properties: int, decimal_commas: Iterable[str] = ()) -> None:
        """Take how many of the records' further columns are properties, and the files known to have decimal commas."""
        self._n_properties = n_properties
        self._decimal = set(decimal_commas)
        self._thousands: set[str] = set()

    def seen(self, records: Iterable[Record]) -> Iterator[Record]:
        """Pass records on, and note what their cells show."""
        for record in records:
            for text in record.extra[: self._n_properties]:
                if "," not in text:
                    continue
                if _THOUSANDS.fullmatch(text):
                    self._thousands.add(record.source)
                elif _WITH_COMMA.fullmatch(text) and not _AMBIGUOUS.fullmatch(text):
                    self._decimal.add(record.source)
            yield record

    @property
    def decimal_commas(self) -> DecimalCommas:
        """The files with decimal commas."""
        return frozenset(self._decimal - self._thousands)


def merge_repeats(rows: pd.DataFrame, properties: Sequence[str], rule: MergeRule) -> pd.DataFrame:
    """Merge the measurements of molecules that occur in several rows.

    A stereoisomer that was made from a drawing that leaves it open has the measurements of the mixture; they count
    only for a molecule that has none of its own.

    Args:
        rows: The rows in order, with columns `first` (row of the molecule's first occurrence), `is_isomer`, and for
            each property its value and what is censored.
        properties: Names of the properties.
        rule: What becomes of several values.

    Returns:
        A row for each molecule, with the merged value, the number of values, their sample standard deviation (NaN for
        one value) and all that is censored, of each property; the index is `first`.
    """
    merged: dict[str, pd.Series] = {}
    for name in properties:
        values = rows[MEASURED + name]
        own = values.notna() & ~rows["is_isomer"]
        has_own = own.groupby(rows["first"]).transform("any")
        groups = values.where(own | ~has_own).groupby(rows["first"])
        merged[MEASURED + name] = groups.agg(rule)
        merged[N_VALUES + name] = groups.count()
        merged[STANDARD_DEVIATION + name] = groups.std()
        texts = rows[CENSORED + name].dropna()
        merged[CENSORED + name] = texts.groupby(rows["first"]).agg(lambda text: "; ".join(dict.fromkeys(text)))
    return pd.DataFrame(merged)
