"""Split the lines of a delimited table into cells, as the programs mean it that write such tables.

Which line is the header and what separates the cells is found by what the lines agree on. Quotes are read as `csv`
does where they pair, and never across what is a row of its own: no row is swallowed by a quote that is left open.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet

NO_SMILES = 9
"""Rank of a header that names no column of SMILES."""

# Lines that are looked at to find the header; titles and remarks above it are few.
_SAMPLE, _MAX_ABOVE = 60, 12
_DELIMITERS = ",;\t|"
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
# Lines and characters of a row whose cells have line breaks.
_MAX_ROW_LINES, _MAX_ROW_LENGTH = 100, 1_000_000
_MAX_PROBLEM = 200

Rank = Callable[[Sequence[str]], int]
"""From the names of columns to how sure one of them has the SMILES: 0 for certainly, `NO_SMILES` for not at all."""


@dataclass(frozen=True)
class Header:
    """The header of a table.

    Attributes:
        names: Names of the columns.
        delimiter: What separates cells.
        n_lines: Lines of the file up to its end, titles above it and all.
        n_unnamed: Cells with which rows begin before the first named column: 1 with row names, as R writes them.
        rest: All lines after it.
    """

    names: list[str]
    delimiter: str
    n_lines: int
    n_unnamed: int
    rest: Iterator[str]


def find_header(lines: Iterator[str], rank: Rank, *, tabs: bool) -> Header | None:
    """Find the header among the first lines: one that names the SMILES, and has as many cells as the rows have.

    Args:
        lines: The lines of the file.
        rank: Judges the names of columns.
        tabs: Whether tabs are expected: they separate cells if there are any.

    Returns:
        The header, or None if all lines are blank.
    """
    sample = list(islice(lines, _SAMPLE))
    first = next((at for at, line in enumerate(sample) if line.strip()), None)
    while first is None:
        more = list(islice(lines, _SAMPLE))
        if not more:
            return None
        sample += more
        first = next((at for at, line in enumerate(sample) if line.strip()), None)
    delimiters = _DELIMITERS
    separator = _SEPARATOR_LINE.fullmatch(sample[first])
    if separator:
        first, delimiters = first + 1, separator[1]
    elif tabs and any("\t" in line for line in sample):
        delimiters = "\t"
    headers = [
        (_against(sample, at, names, end, delimiter, rank), names, delimiter, end)
        for at in range(first, min(first + _MAX_ABOVE, len(sample)))
        if sample[at].strip()
        for delimiter in delimiters
        for names, end in [_cells_from(sample, at, delimiter)]
    ]
    if not headers:
        return Header([], delimiters[0], len(sample), 0, lines)
    _, names, delimiter, end = min(headers, key=lambda header: header[0])
    names = [name.strip() for name in names]
    has_row_names = _has_row_names(sample[end:], names, delimiter, rank)
    return Header(names, delimiter, end, int(has_row_names), chain(sample[end:], lines))


def _against(
    sample: Sequence[str], at: int, names: Sequence[str], end: int, delimiter: str, rank: Rank
) -> tuple[bool, bool, bool, int, int, int]:
    """Return what speaks against a line as the header, what counts most first."""
    names = [name.strip() for name in names]
    rows = [line for line in sample[end:] if line.strip()]
    n_alike = sum(_fits(_split(line, delimiter), len(names)) for line in rows)
    # A single column goes with any rows, so it must not look like several.
    is_unlike = 2 * n_alike < len(rows) if len(names) > 1 else any(map(names[0].count, _DELIMITERS))
    how_sure = rank(names)
    return how_sure == NO_SMILES, is_unlike, how_sure > 0, at, how_sure, -len(names)


def _fits(cells: list[str] | None, width: int) -> bool:
    """Say whether a row goes with a header of so many cells, as one with a row name or empty cells at its end does."""
    if cells is None or len(cells) <= width:
        return cells is not None and len(cells) == width
    return width > 1 and (len(cells) == width + 1 or not any(map(str.strip, cells[width:])))


def _cells_from(lines: Sequence[str], at: int, delimiter: str) -> tuple[list[str], int]:
    """Return the cells that begin on a line, and the number of the line after them: a name may have line breaks."""
    text = ""
    for end in range(at, min(at + _MAX_ABOVE, len(lines))):
        text += lines[end]
        cells = _split(text, delimiter)
        if cells is not None:
            return cells, end + 1
    return [cell.strip('" ') for cell in lines[at].rstrip("\r\n").split(delimiter)], at + 1


def _has_row_names(rows: Sequence[str], names: Sequence[str], delimiter: str, rank: Rank) -> bool:
    """Say whether the rows have a name of their own before the first column, as R writes tables."""
    split = [cells for line in rows if line.strip() and (cells := _split(line, delimiter))]
    if (
        not split
        or any(len(cells) != len(names) + 1 for cells in split)
        or not any(cells[-1].strip() for cells in split)
    ):
        return False
    at = min(range(len(names)), key=lambda position: rank([names[position]]))
    with quiet():
        n_with, n_without = (
            sum(parse(cells[position].strip()) is not None for cells in split) for position in (at + 1, at)
        )
    return n_with > n_without


def _split(text: str, delimiter: str) -> list[str] | None:
    """Return the cells of a row, or None if its quotes do not pair."""
    if '"' not in text:
        return text.rstrip("\r\n").split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _split_literally(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line, in which quotes count only where they enclose a cell."""
    return [_unquoted(cell) for cell in line.rstrip("\r\n").split(delimiter)]


def _unquoted(cell: str) -> str:
    inner = cell[1:-1].replace('""', "")
    if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner:
        return cell[1:-1].replace('""', '"')
    return cell


class Rows:
    """The rows after a header: the line on which each begins, and its cells or what is wrong with it.

    A row has as many cells as there are names. Empty cells that are left off at the end, or are too many there, are
    those of programs that count them otherwise; a row that differs in another way is wrong.
    """

    def __init__(self, header: Header, smiles_at: int) -> None:
        """Take the header, and the position of the SMILES among its names."""
        self._header = header
        self._smiles_at = smiles_at
        self._again: deque[str] = deque()

    def __iter__(self) -> Iterator[tuple[int, list[str] | str]]:
        """Yield the rows that are not blank."""
        header, delimiter = self._header, self._header.delimiter
        width = len(header.names) + header.n_unnamed
        number = header.n_lines
        while (line := self._next()) is not None:
            number += 1
            start = number
            cells: list[str] | str
            if '"' in line:
                cells, n_more = self._quoted(line, width)
                number += n_more
                # A quoted empty cell by itself is a row without a structure.
                is_blank = not isinstance(cells, str) and cells != [""] and not any(map(str.strip, cells))
            else:
                cells = line.rstrip("\r\n").split(delimiter)
                is_blank = not any(map(str.strip, cells))
            if is_blank:
                continue
            if not isinstance(cells, str):
                if len(cells) != width:
                    cells = self._of_width(cells, width)
                if header.n_unnamed and not isinstance(cells, str):
                    cells = cells[header.n_unnamed :]
            yield start, cells

    def _next(self) -> str | None:
        return self._again.popleft() if self._again else next(self._header.rest, None)

    def _of_width(self, cells: list[str], width: int) -> list[str] | str:
        if len(cells) > width and not any(map(str.strip, cells[width:])):
            return cells[:width]
        if self._header.n_unnamed + self._smiles_at < len(cells) < width:
            return cells + [""] * (width - len(cells))
        problem = f"{len(cells)} cells where the header has {len(self._header.names)}"
        # Which of too few or too many cells is the SMILES is anyone's guess.
        return f"{problem}: {self._header.delimiter.join(cells)}"[:_MAX_PROBLEM]

    def _quoted(self, line: str, width: int) -> tuple[list[str] | str, int]:
        """Return the cells of a row that has quotes, or what is wrong with it, and how many further lines it has."""
        delimiter = self._header.delimiter
        cells, literal = _split(line, delimiter), _split_literally(line, delimiter)
        # The tables of databases have no quoting: a quote may be any character of a name.
        if delimiter == "\t" and len(literal) == width and (cells is None or len(cells) != width):
            joined = None if cells is not None else self._joined(line, width)
            return joined or (literal, 0)
        if cells is not None:
            if len(cells) < width <= len(literal):
                return f"quotes that enclose a delimiter, and too few cells: {line.strip()}"[:_MAX_PROBLEM], 0
            return cells, 0
        joined = self._joined(line, width)
        return joined or (f"quotes not in pairs: {line.strip()}"[:_MAX_PROBLEM], 0)

    def _joined(self, line: str, width: int) -> tuple[list[str], int] | None:
        """Return the cells of a row with line breaks in them; None, and its other lines put back, if it is none.

        It is none if a line of it is a row by itself.
        """
        delimiter = self._header.delimiter
        fits = len(_split_literally(line, delimiter)) == width
        text, taken = line, list[str]()
        while len(taken) < _MAX_ROW_LINES and len(text) < _MAX_ROW_LENGTH and (more := self._next()) is not None:
            taken.append(more)
            text += more
            if '"' not in more or fits:
                alone = _split(more, delimiter)
                if alone is not None and self._is_row(alone, width):
                    break
            if '"' in more and (cells := _split(text, delimiter)) is not None:
                if fits and len(cells) != width:
                    break
                return cells, len(taken)
        self._again.extendleft(reversed(taken))
        return None

    def _is_row(self, cells: Sequence[str], width: int) -> bool:
        return len(cells) == width and len(cells[self._header.n_unnamed + self._smiles_at].split()) == 1
