"""Read measured values from the cells of a table: numbers, bounds such as `>10`, and text that is neither."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from molvae.chem.reading import NO_VALUE, Columns, Record, table_header

_DIGITS = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_NUMBER = re.compile(rf"[-+]?{_DIGITS}")
_CENSORED = re.compile(rf"(?:[<>]=?|=[<>]|<<|>>|[≤≥⩽⩾])\s*[-+]?(?:{_DIGITS}|[0-9]*,[0-9]+)")
_WITH_COMMA = re.compile(r"[-+]?[0-9]*,[0-9]+(?:[eE][-+]?[0-9]+)?")
# May be 1.234 in one country, and 1234 in another.
_AMBIGUOUS = re.compile(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}")
# Likewise where commas are decimal.
_AMBIGUOUS_POINT = re.compile(r"[-+]?[1-9][0-9]{0,2}\.[0-9]{3}")
_POINT_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+,[0-9]*")
_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(?:(?:,[0-9]{3}){2,}|(?:,[0-9]{3})+\.[0-9]*)")


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


def read_measurement(text: str, *, comma_is_decimal: bool = False, point_may_group: bool = False) -> Measurement:
    """Read a cell of a measured property.

    Args:
        text: The cell. The decimal mark is a point or a comma; thousands are not grouped.
        comma_is_decimal: Whether a comma before three digits is a decimal comma too; otherwise it may group thousands,
            and such a cell is not read.
        point_may_group: Whether a point before three digits may group thousands, so that such a cell is not read.
    """
    text = text.strip().replace("\N{MINUS SIGN}", "-")
    if text.lower() in NO_VALUE:
        return Measurement()
    if _CENSORED.fullmatch(text):
        return Measurement(censored=text)
    if _WITH_COMMA.fullmatch(text) and (comma_is_decimal or not _AMBIGUOUS.fullmatch(text)):
        text = text.replace(",", ".")
    elif point_may_group and _AMBIGUOUS_POINT.fullmatch(text):
        return Measurement(unreadable=text)
    number = float(text) if _NUMBER.fullmatch(text) else np.inf
    return Measurement(value=number) if np.isfinite(number) else Measurement(unreadable=text)


def read_bound(text: str) -> tuple[bool, float]:
    """Read a bound that `read_measurement` found, such as `>10`.

    Returns:
        Whether the value is above it, and its number; NaN where a comma might group thousands, as in `>10,000`.
    """
    number = text.lstrip("<>=≤≥⩽⩾")
    sign = text[: len(text) - len(number)]
    value = np.nan if _AMBIGUOUS.fullmatch(number.strip()) else float(number.replace(",", "."))
    return not {">", "≥", "⩾"}.isdisjoint(sign), value


@dataclass(frozen=True, slots=True)
class DecimalCommas:
    """The files whose values have decimal commas for certain, so that 1,234 is less than 2 there.

    Attributes:
        files: These files.
        seen: Those of them that have a cell with a decimal comma, so that 1.234 may be more than 1,000 there.
    """

    files: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()

    def read(self, text: str, file: str) -> Measurement:
        """Read a cell of one of the files, as `read_measurement` does."""
        return read_measurement(text, comma_is_decimal=file in self.files, point_may_group=file in self.seen)


NO_DECIMAL_COMMAS = DecimalCommas()
"""No file is known to have decimal commas."""


class DecimalMarks:
    """Evidence for what a comma means in the measured values of each file, from all of its cells."""

    def __init__(self, n_properties: int, decimal_commas: Iterable[str] = ()) -> None:
        """Take how many of the records' further columns are properties, and the files known to have decimal commas."""
        self._n_properties = n_properties
        self._decimal = set(decimal_commas)
        self._seen: set[str] = set()
        self._points: set[str] = set()
        self._thousands: set[str] = set()

    def seen(self, records: Iterable[Record]) -> Iterator[Record]:
        """Pass records on, and note what their cells show."""
        for record in records:
            for text in record.extra[: self._n_properties]:
                if "," not in text:
                    if "." in text and _NUMBER.fullmatch(text) and not _AMBIGUOUS_POINT.fullmatch(text):
                        self._points.add(record.source)
                elif _THOUSANDS.fullmatch(text):
                    self._thousands.add(record.source)
                elif _POINT_THOUSANDS.fullmatch(text) or (
                    _WITH_COMMA.fullmatch(text) and not _AMBIGUOUS.fullmatch(text)
                ):
                    self._seen.add(record.source)
            yield record

    @property
    def decimal_commas(self) -> DecimalCommas:
        """The files with decimal commas; where some cells have decimal points, a point groups nothing."""
        return DecimalCommas(
            frozenset((self._decimal | self._seen) - self._thousands),
            frozenset(self._seen - self._thousands - self._points),
        )


def files_with_semicolons(paths: Iterable[Path], smiles_column: str | None) -> list[str]:
    """Return the files with semicolons between cells, as programs write where the comma is the decimal mark."""
    headers = {str(path): table_header(path, Columns(smiles_column)) for path in paths}
    return [path for path, header in headers.items() if header is not None and header.delimiter == ";"]
