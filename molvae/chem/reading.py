"""Read molecule files of any usual format as one stream of records.

Formats, by the name's ending: `.smi` (SMILES and an optional name, separated by blanks), `.csv` and `.tsv` (a header
line, then a molecule a line), `.sdf` (MDL, V2000 and V3000) and `.parquet`, each also with `.gz`, `.bz2` or `.zst`
after it.

A record is a row that is not blank. Rows without a usable structure are records too, with an empty SMILES, so that a
caller can account for every one of them.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from rdkit import Chem

from molvae.chem.open_file import explained, is_compressed, open_bytes, open_lines
from molvae.chem.quiet import quiet
from molvae.errors import ConfigError, DataError

if TYPE_CHECKING:
    import _csv

# A group counts only where nothing of those before is there.
_EXACT_NAME = re.compile("^smiles$")
_SMILES_NAMES = re.compile("smiles|^smi$")
_STRUCTURE_NAMES = re.compile("^(structure|molecule|mol)s?$")
# The SMILES, with the extension between bars that CXSMILES puts after a blank, and whatever follows as the name.
_SMI_ROW = re.compile(r"\s*(?P<smiles>\S+(?: \|[^|]*\|)?)(?P<name>.*)")

NO_VALUE = frozenset(["", "nan", "na", "n/a", "none", "null", "<na>", "#n/a"])
"""Cells, in lower case, by which tables say that there is no value."""

_SDF_END, _SDF_STRUCTURE_END = "$$$$", "M  END"
# Lines: a file that is no .sdf would otherwise be one record, held in memory.
_LONGEST_BLOCK = 100_000
_LONGEST_PROBLEM = 200
_PARQUET_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table, or data fields of an `.sdf`, to read.

    Attributes:
        smiles: The column with the SMILES; found by its usual names if None.
        id: The column with the molecules' names, if any.
        extra: Further columns to carry along as text.
    """

    smiles: str | None = None
    id: str | None = None
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a molecule file.

    Attributes:
        source: Path of the file, as it was given.
        line: Line on which the record starts, from 1; in a `.parquet` file, the row, from 1.
        id: The molecule's name; `<file name>:<line>` where the file gives none.
        smiles: What the file holds as SMILES, not checked; empty where there is nothing or it cannot be read.
        problem: Why there is no SMILES, where the reader knows.
        extra: The text of the further columns that were asked for.
        block: The structure of an `.sdf` that is not read yet; see `with_structure`.
    """

    source: str
    line: int
    id: str
    smiles: str
    problem: str = ""
    extra: tuple[str, ...] = ()
    block: str = ""


def read_molecules(
    path: Path, smiles_column: str | None = None, id_column: str | None = None, *, may_be_empty: bool = False
) -> Iterator[Record]:
    """Yield the records of a molecule file in order, without holding the file in memory.

    Args:
        path: The file; its ending says its format.
        smiles_column: Column with the SMILES in a `.csv`, `.tsv` or `.parquet` file; found by its usual names if
            not given. The other formats have no such column, and it is not asked of them.
        id_column: Column with the molecules' names in such a file, or data field of an `.sdf`.
        may_be_empty: Whether a file without records is no error.

    Yields:
        One record for every row that is not blank.

    Raises:
        DataError: If the file is missing, a folder, of an unknown format, damaged, or holds no records and must.
        ConfigError: If a named column is missing, or no column or several columns could hold the SMILES.
    """
    return map(with_structure, read_records(path, Columns(smiles_column, id_column), may_be_empty=may_be_empty))


def read_records(path: Path, columns: Columns, *, may_be_empty: bool = False) -> Iterator[Record]:
    """Yield the records of a molecule file as `read_molecules` does, with the structures of an `.sdf` still unread.

    Reading those is the costly part, which a caller can leave to other processes; see `with_structure`.
    """
    reader = _reader_of(path)
    empty = True
    with explained(path):
        for record in reader(path, columns):
            empty = False
            yield record
    if empty and not may_be_empty:
        raise DataError(f"{path}: expected molecules, found none; the file is empty or has only a header")


def smiles_column_of(path: Path, columns: Columns) -> str | None:
    """Return the name of the column that the SMILES are read from, or None for a file without columns.

    Raises:
        DataError: If the file cannot be read.
        ConfigError: If no column or several columns could hold the SMILES.
    """
    with explained(path):
        if _format(path) == ".parquet":
            import pyarrow.parquet as pq

            names = pq.read_schema(path).names
        elif _format(path) in (".csv", ".tsv"):
            with open_lines(path, newline="") as lines:
                _, names, _ = _header(path, lines)
        else:
            return None
    return names[_smiles_position(path, names, columns.smiles)] if names else None


def with_structure(record: Record) -> Record:
    """Return a record with its SMILES, read from the block of an `.sdf` if there is one."""
    if not record.block:
        return record
    smiles = _sdf_smiles(record.block)
    return replace(record, smiles=smiles, block="", problem="" if smiles else "no structure that can be read")


_Reader = Callable[[Path, Columns], Iterator[Record]]


def _reader_of(path: Path) -> _Reader:
    readers: dict[str, _Reader] = {
        ".smi": _read_smi,
        ".csv": _read_delimited,
        ".tsv": _read_delimited,
        ".sdf": _read_sdf,
        ".parquet": _read_parquet,
    }
    ending = _format(path)
    if ending not in readers:
        raise DataError(
            f"{path}: expected a molecule file ending in {', '.join(readers)}, each also with .gz, .bz2 or .zst, "
            f"found {ending or 'no ending'!r}; rename or convert it"
        )
    return readers[ending]


def _format(path: Path) -> str:
    """Return the ending that tells the format, in lower case, without that of a compression after it."""
    name = Path(path.name.lower())
    return name.with_suffix("").suffix if is_compressed(path) else name.suffix


def _read_smi(path: Path, columns: Columns) -> Iterator[Record]:
    if columns.extra:
        raise ConfigError(
            f"{path}: expected columns {_listed(list(columns.extra))}, found a .smi file, which has none; "
            "give a .csv, .tsv, .sdf or .parquet file"
        )
    with open_lines(path) as lines:
        for number, line in enumerate(lines, start=1):
            row = _SMI_ROW.match(line)
            if row is None or (number == 1 and _SMILES_NAMES.search(_plain(row["smiles"]))):
                continue
            yield _record(path, number, row["name"], row["smiles"])


def _read_delimited(path: Path, columns: Columns) -> Iterator[Record]:
    with open_lines(path, newline="") as lines:
        before, names, rows = _header(path, lines)
        delimiter = rows.dialect.delimiter
        if not names:
            return
        smiles_at = _smiles_position(path, names, columns.smiles)
        id_at = None if columns.id is None else _position(path, names, columns.id)
        extra_at = [_position(path, names, name) for name in columns.extra]
        while True:
            line = before + rows.line_num + 1
            row = _next_row(path, rows, before, line)
            if row is None:
                return
            # A quoted empty cell by itself is a row without a structure; a blank line is none.
            if isinstance(row, str):
                yield Record(str(path), line, f"{path.name}:{line}", "", row)
            elif len(row) == len(names):
                if any(map(str.strip, row)) or row == [""]:
                    name = row[id_at] if id_at is not None else ""
                    yield _record(path, line, name, row[smiles_at], tuple(row[at].strip() for at in extra_at))
            elif any(map(str.strip, row)):
                # Which of too few or too many cells is the SMILES is anyone's guess.
                found = f"{len(row)} cells where the header has {len(names)}: {delimiter.join(row)}"
                yield Record(str(path), line, f"{path.name}:{line}", "", found[:_LONGEST_PROBLEM])


def _header(path: Path, lines: Iterator[str]) -> "tuple[int, list[str], _csv.Reader]":
    """Return how many blank lines come first, the names of the columns, and what reads the rows after them."""
    before, header = next(((number, line) for number, line in enumerate(lines) if line.strip()), (0, ""))
    delimiter = "\t" if _format(path) == ".tsv" else max(",;\t", key=header.count)
    # Strict, because a quote that is never closed would swallow the rows after it without a word.
    rows = csv.reader(chain([header], lines), delimiter=delimiter, strict=True)
    return before, [name.strip() for name in _next_row(path, rows, before, before + 1) or []], rows


def _next_row(path: Path, rows: "_csv.Reader", before: int, line: int) -> "list[str] | str | None":
    """Return the next row, what is wrong with it, or None at the end.

    Raises:
        DataError: If a quote does not close in its own line, so that where the next row starts is anyone's guess.
    """
    try:
        return next(rows, None)
    except csv.Error as error:
        if before + rows.line_num == line and "unexpected end" not in str(error):
            return f"quotes not in pairs: {error}"
        raise DataError(
            f"{path}: expected delimited text with quotes in pairs, found one opened on line {line} that does not "
            f"close ({error}); correct that line"
        ) from error


def _read_parquet(path: Path, columns: Columns) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_bytes(path) as file:
        # Parquet is read from its end, which a compressed stream cannot do: that one is unpacked in memory.
        source = io.BytesIO(file.read()) if is_compressed(path) else file
        try:
            table = pq.ParquetFile(source)
            names = table.schema_arrow.names
            wanted = [names[_smiles_position(path, names, columns.smiles)]]
            wanted += [names[_position(path, names, name)] for name in (columns.id, *columns.extra) if name is not None]
            row = 0
            for batch in table.iter_batches(batch_size=_PARQUET_BATCH, columns=wanted):
                cells = [batch.column(name).to_pylist() for name in wanted]
                for values in zip(*cells, strict=True):
                    row += 1
                    smiles, *rest = ("" if value is None else str(value) for value in values)
                    name = rest.pop(0) if columns.id is not None else ""
                    yield _record(path, row, name, smiles, tuple(rest))
        except pa.ArrowException as error:
            raise DataError(f"{path}: expected a Parquet table, found something else ({error})") from error


def _read_sdf(path: Path, columns: Columns) -> Iterator[Record]:
    with open_lines(path) as lines:
        block: list[str] = []
        start = number = 1
        for number, line in enumerate(lines, start=1):
            if line.startswith(_SDF_END):
                yield _sdf_record(path, start, number - start, block, columns)
                block, start = [], number + 1
            elif len(block) <= _LONGEST_BLOCK:
                block.append(line)
        # The last record may lack its end line.
        if any(line.strip() for line in block):
            yield _sdf_record(path, start, number - start + 1, block, columns)


def _sdf_record(path: Path, start: int, n_lines: int, block: list[str], columns: Columns) -> Record:
    name = (_sdf_field(block, columns.id) if columns.id is not None else None) or (block[0] if block else "")
    extra = tuple(_sdf_field(block, field) or "" for field in columns.extra)
    if len(block) > _LONGEST_BLOCK:
        problem, block = f"a record of {n_lines} lines", []
    elif sum(line.startswith(_SDF_STRUCTURE_END) for line in block) > 1:
        problem, block = f"several structures without {_SDF_END} between them", []
    else:
        problem = ""
    return Record(str(path), start, name.strip() or f"{path.name}:{start}", "", problem, extra, "".join(block))


def _sdf_field(block: list[str], field: str) -> str | None:
    """Return the value of a data field, or None where the record lacks it."""
    for line, value in pairwise(block):
        if line.startswith(">") and f"<{field}>" in line:
            return value.strip()
    return None


def _record(path: Path, line: int, name: str, smiles: str, extra: tuple[str, ...] = ()) -> Record:
    smiles, problem = smiles.strip(), ""
    if smiles.lower() in NO_VALUE:
        smiles, problem = "", f"the cell says {smiles}" if smiles else "an empty cell"
    elif "\0" in smiles:
        smiles, problem = "", f"zero bytes in {smiles[:_LONGEST_PROBLEM]!r}"
    return Record(str(path), line, name.strip() or f"{path.name}:{line}", smiles, problem, extra)


def _sdf_smiles(block: str) -> str:
    """Return the SMILES of a structure, or an empty string where there is none.

    A structure that breaks the rules of valence is written as it stands, so that the reject shows it.
    """
    with quiet():
        mol = _mol_of(block, sanitize=True) or _mol_of(block, sanitize=False)
        return "" if mol is None else Chem.MolToSmiles(mol)


def _mol_of(block: str, *, sanitize: bool) -> Chem.Mol | None:
    return Chem.MolFromMolBlock(block, sanitize=sanitize)


def _smiles_position(path: Path, columns: list[str], wanted: str | None) -> int:
    if wanted is not None:
        return _position(path, columns, wanted)
    for pattern in (_EXACT_NAME, _SMILES_NAMES, _STRUCTURE_NAMES):
        fitting = [number for number, name in enumerate(columns) if pattern.search(_plain(name))]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise ConfigError(
                f"{path}: expected one column with SMILES, found {_listed([columns[n] for n in fitting])}; "
                "name one (smiles_column, --smiles-column)"
            )
    raise ConfigError(
        f"{path}: expected a column with SMILES, found the columns {_listed(columns)}; name it "
        "(smiles_column, --smiles-column); a file without a header line should end in .smi"
    )


def _position(path: Path, columns: list[str], wanted: str) -> int:
    if columns.count(wanted) != 1:
        how_many = "several of that name" if wanted in columns else "none"
        raise ConfigError(
            f"{path}: expected one column {wanted!r}, found {how_many}; the columns are {_listed(columns)}"
        )
    return columns.index(wanted)


def _listed(names: list[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
