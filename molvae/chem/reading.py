"""Read molecule files of any usual format as one stream of records.

Formats, by the name's ending: `.smi` (SMILES and an optional name, separated by blanks; also `.smiles`, `.ism`,
`.can`), `.csv` and `.tsv` (a header line, then a molecule a line), `.txt` (either of these), `.sdf` (MDL, V2000 and
V3000) and `.parquet`, each also with `.gz`, `.bz2` or `.zst` after it.

A record is a row that is not blank. Rows without a usable structure are records too, with an empty SMILES, so that a
caller can account for every one of them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path

from molvae.chem.delimited import NO_SMILES, Header, Rows, find_header
from molvae.chem.open_file import STDIN, explained, is_compressed, open_lines
from molvae.chem.parquet import batches, open_parquet, require_text
from molvae.chem.sdf_records import SdfRecord, is_counts_line, sdf_records, structure_smiles
from molvae.errors import ConfigError, DataError
from molvae.text import one_line

# A group counts only where nothing of those before is there.
_EXACT_NAME = re.compile("^smiles$")
_SMILES_NAMES = re.compile("smiles|^smi$")
_STRUCTURE_NAMES = re.compile("^(structure|molecule|mol)s?$")
_NAMES = (_EXACT_NAME, _SMILES_NAMES, _STRUCTURE_NAMES)
# The molecules' names, the surest first.
_ID_NAMES = (
    re.compile("^id$"),
    re.compile(
        "^(molecule|mol|compound|cmpd|substance|structure|sample|catalogu?e?|registry|chembl|zinc|drugbank|pubchem)+"
        "(id|identifier|number|no|code|key)$|^(identifier|cid)$"
    ),
    re.compile("^(molecule|mol|compound|cmpd|substance|structure|sample|drug|pref|preferred)?(name|title)$|^compound$"),
)
# The SMILES, with the extension between bars that CXSMILES puts after a blank, and whatever follows as the name. A bar
# that is left open is no name.
_SMI_ROW = re.compile(r"\s*(?P<smiles>\S+(?:\s+\|[^|]*(?:\||$))?)(?P<name>.*)")

NO_VALUE = frozenset(["", "nan", "na", "n/a", "none", "null", "<na>", "#n/a"])
"""Cells, in lower case, by which tables say that there is no value."""

_SMI = ("smiles", "id")
# Lines of a `.txt` that show whether it is a table.
_TXT_HEAD = 100
_MAX_SHOWN = 200
_MAX_LISTED = 20


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table, or data fields of an `.sdf`, to read.

    Attributes:
        smiles: The column with the SMILES; found by its usual names if None.
        id: The column with the molecules' names; found by its usual names if None.
        extra: Further columns to carry along as text; None for all columns of the file, in their order.
    """

    smiles: str | None = None
    id: str | None = None
    extra: tuple[str, ...] | None = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a molecule file.

    Attributes:
        source: Path of the file, as it was given.
        line: Line on which the record starts, from 1; in a `.parquet` file, the row, from 1.
        id: The molecule's name on one line; `<file name>:<line>` where the file gives none.
        smiles: What the file holds as SMILES, not checked; empty where there is nothing or it cannot be read.
        problem: Why there is no SMILES, where the reader knows.
        extra: The text of the further columns that were asked for.
        names: The names of these columns, of every record its own in an `.sdf`.
        block: The structure of an `.sdf` that is not read yet; see `with_structure`.
    """

    source: str
    line: int
    id: str
    smiles: str
    problem: str = ""
    extra: tuple[str, ...] = ()
    block: str = ""
    names: tuple[str, ...] = ()


def read_molecules(
    path: Path, smiles_column: str | None = None, id_column: str | None = None, *, may_be_empty: bool = False
) -> Iterator[Record]:
    """Yield the records of a molecule file in order, without holding the file in memory.

    Args:
        path: The file; its ending says its format.
        smiles_column: Column with the SMILES in a `.csv`, `.tsv` or `.parquet` file; found by its usual names if
            not given. The other formats have no such column, and it is not asked of them.
        id_column: Column with the molecules' names in such a file, or data field of an `.sdf`; found by its usual
            names if not given.
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
    names = column_names(path, columns)
    return names[_smiles_positions(path, names, columns.smiles)[0]] if names else None


def column_names(path: Path, columns: Columns) -> list[str]:
    """Return the names of the columns of a table, or none for a file without columns.

    Raises:
        DataError: If the file cannot be read.
    """
    if format_of(path) == ".parquet":
        with explained(path), open_parquet(path) as table:
            return list(table.schema_arrow.names)
    header = table_header(path, columns)
    return [] if header is None else header.names


def data_fields(path: Path) -> list[str]:
    """Return the names of the data fields of all records of an `.sdf`; none for another file.

    Raises:
        DataError: If the file cannot be read.
    """
    if format_of(path) not in SDF_ENDINGS:
        return []
    with explained(path), open_lines(path) as lines:
        return list(dict.fromkeys(chain.from_iterable(record.fields for record in sdf_records(lines))))


def id_column_of(names: Sequence[str]) -> str | None:
    """Return the column of these that has the molecules' names by its own name, if there is one."""
    plain = {name: _plain(name) for name in names}
    return next((name for pattern in _ID_NAMES for name in names if pattern.search(plain[name])), None)


def table_header(path: Path, columns: Columns) -> Header | None:
    """Return the header of a delimited table, or None for a file that is none; its rows are not read.

    Raises:
        DataError: If the file cannot be read.
    """
    if format_of(path) not in _DELIMITED:
        return None
    with explained(path), open_lines(path) as lines:
        return _find_header(path, lines, columns)


def with_structure(record: Record) -> Record:
    """Return a record with its SMILES, read from the block of an `.sdf` if there is one."""
    if not record.block:
        return record
    smiles, problem = structure_smiles(record.block)
    return replace(record, smiles=smiles, block="", problem=problem)


_Reader = Callable[[Path, Columns], Iterator[Record]]
_LinesReader = Callable[[Path, Iterator[str], Columns], Iterator[Record]]
_SMILES_ENDINGS = (".smi", ".smiles", ".ism", ".can")
_DELIMITED = (".csv", ".tsv", ".tab", ".txt")
SDF_ENDINGS = (".sdf", ".sd")

# The usual ones first, for messages.
READABLE = tuple(
    dict.fromkeys([".smi", ".csv", ".tsv", ".sdf", ".parquet", *_SMILES_ENDINGS, *_DELIMITED, *SDF_ENDINGS])
)
"""The endings of molecule files."""


def _reader_of(path: Path) -> _Reader:
    if path == STDIN:
        return partial(_read_lines, _piped_records)
    ending = format_of(path)
    if ending == ".parquet":
        return _read_parquet
    readers: dict[str, _LinesReader] = {
        **dict.fromkeys(_SMILES_ENDINGS, _smi_records),
        **dict.fromkeys(_DELIMITED, _delimited_records),
        **dict.fromkeys(SDF_ENDINGS, _sdf_records),
    }
    if ending not in readers:
        raise DataError(
            f"{path}: expected a molecule file ending in {', '.join(READABLE)}, each also with .gz, .bz2 or .zst, "
            f"found {ending or 'no ending'!r}; rename or convert it"
        )
    return partial(_read_lines, readers[ending])


def format_of(path: Path) -> str:
    """Return the ending that tells the format, in lower case, without that of a compression after it."""
    if path == STDIN:
        return ".txt"
    name = Path(path.name.lower())
    return name.with_suffix("").suffix if is_compressed(path) else name.suffix


def _read_lines(reader: _LinesReader, path: Path, columns: Columns) -> Iterator[Record]:
    with open_lines(path) as lines:
        yield from reader(path, lines, columns)


def _piped_records(path: Path, lines: Iterator[str], columns: Columns) -> Iterator[Record]:
    """Read what comes through a pipe, which has no ending that says its format: a table, SMILES, or an SD file."""
    head = list(islice(lines, 4))
    reader = _sdf_records if len(head) == 4 and is_counts_line(head[3]) else _delimited_records
    yield from reader(path, chain(head, lines), columns)


def _smi_records(path: Path, lines: Iterator[str], columns: Columns) -> Iterator[Record]:
    if columns.extra:
        raise ConfigError(
            f"{path}: expected columns {_listed(list(columns.extra))}, found a {format_of(path)} file, which has none; "
            "give a .csv, .tsv, .sdf or .parquet file"
        )
    for number, line in enumerate(lines, start=1):
        row = _SMI_ROW.match(line)
        if row is None or (number == 1 and _SMILES_NAMES.search(_plain(row["smiles"]))):
            continue
        record = _record(path, number, row["name"], row["smiles"])
        yield record if columns.extra is not None else replace(record, names=_SMI, extra=(record.smiles, record.id))


def _delimited_records(path: Path, lines: Iterator[str], columns: Columns) -> Iterator[Record]:
    if format_of(path) != ".txt":
        header = _find_header(path, lines, columns)
        if header is not None:
            yield from _table_records(path, header, columns)
        return
    # A pipe cannot be read again where these lines are not those of a table.
    head = list(islice(lines, _TXT_HEAD))
    header = _find_header(path, iter(head), columns)
    if header is not None:
        yield from _table_records(path, replace(header, rest=chain(header.rest, lines)), columns)
    elif columns.smiles is not None and head:
        first = head[0].strip()[:_MAX_SHOWN]
        raise ConfigError(f"{path}: expected one column {columns.smiles!r}, found none; the first line is {first!r}")
    else:
        yield from _smi_records(path, chain(head, lines), columns)


def _find_header(path: Path, lines: Iterator[str], columns: Columns) -> Header | None:
    """Return the header of a table; None for an empty file, and for a `.txt` that is SMILES and names."""
    header = find_header(lines, partial(_rank, wanted=columns.smiles), tabs=format_of(path) != ".csv")
    if header is None or format_of(path) != ".txt":
        return header
    return header if len(header.names) > 1 and _rank(header.names, columns.smiles) < NO_SMILES else None


def _rank(names: Sequence[str], wanted: str | None) -> int:
    """Say how sure a column of these names has the SMILES, as `find_header` asks."""
    if wanted is not None:
        return 0 if wanted.strip() in names else NO_SMILES
    plain = [_plain(name) for name in names]
    return next((rank for rank, pattern in enumerate(_NAMES) if any(map(pattern.search, plain))), NO_SMILES)


def _table_records(path: Path, header: Header, columns: Columns) -> Iterator[Record]:
    smiles_at = _smiles_positions(path, header.names, columns.smiles)
    others = [name for name in header.names if name != header.names[smiles_at[0]]]
    id_name = columns.id or id_column_of(others)
    id_at = [] if id_name is None else _positions(path, header.names, id_name)
    names = tuple(dict.fromkeys(header.names)) if columns.extra is None else columns.extra
    extra_at = [_positions(path, header.names, name) for name in names]
    for line, row in Rows(header, smiles_at[0]):
        if isinstance(row, str):
            yield Record(str(path), line, _made_up(path, line), "", row, ("",) * len(names), names=names)
            continue
        name = _cell(row, id_at) if id_at else ""
        extra = tuple(_cell(row, at) for at in extra_at)
        record = _record(path, line, name, row[smiles_at[0]], extra, names)
        if len(smiles_at) > 1 and len({row[at].strip() for at in smiles_at}) > 1:
            values = " and ".join(repr(row[at]) for at in smiles_at)
            record = replace(record, smiles="", problem=f"several columns of one name that differ: {values}")
        yield record


def _cell(row: Sequence[str], positions: Sequence[int]) -> str:
    """Return a cell of a row; where a column occurs several times, all its different values."""
    if len(positions) == 1:
        return row[positions[0]].strip()
    return " / ".join(dict.fromkeys(value for at in positions if (value := row[at].strip())))


def _read_parquet(path: Path, columns: Columns) -> Iterator[Record]:
    with open_parquet(path) as table:
        names = table.schema_arrow.names
        smiles_name = names[_smiles_positions(path, names, columns.smiles)[0]]
        require_text(path, table.schema_arrow.field(smiles_name))
        id_name = columns.id or id_column_of([name for name in names if name != smiles_name])
        extra_names = tuple(names) if columns.extra is None else columns.extra
        others = [*([] if id_name is None else [id_name]), *extra_names]
        wanted = [smiles_name, *(names[_positions(path, names, name)[0]] for name in others)]
        row = 0
        for batch in batches(table, list(dict.fromkeys(wanted))):
            cells = [batch.column(name).to_pylist() for name in wanted]
            for values in zip(*cells, strict=True):
                row += 1
                smiles, *rest = ("" if value is None else str(value) for value in values)
                name = rest.pop(0) if id_name is not None else ""
                yield _record(path, row, name, smiles, tuple(rest), extra_names)


def _sdf_records(path: Path, lines: Iterator[str], columns: Columns) -> Iterator[Record]:
    missing = {name.strip() for name in (columns.id, *(columns.extra or ())) if name is not None}
    seen: dict[str, None] = {}
    for record in sdf_records(lines):
        if missing:
            missing.difference_update(record.fields)
            seen.update(dict.fromkeys(record.fields))
        names = tuple(record.fields) if columns.extra is None else columns.extra
        extra = tuple(record.fields.get(field.strip(), "") for field in names)
        name = one_line(_sdf_name(record, columns)) or _made_up(path, record.line)
        yield Record(str(path), record.line, name, "", record.problem, extra, record.structure, names)
    if missing and seen:
        raise ConfigError(
            f"{path}: expected the data field {_listed(sorted(missing))}, found it in no record; the fields are "
            f"{_listed(list(seen))}"
        )


def _sdf_name(record: SdfRecord, columns: Columns) -> str:
    """Return the name of a record: its title, unless a data field is asked for or there is no title."""
    if columns.id is not None:
        return record.fields.get(columns.id.strip()) or record.title
    return record.title or record.fields.get(id_column_of(list(record.fields)) or "", "")


def _record(
    path: Path, line: int, name: str, smiles: str, extra: tuple[str, ...] = (), names: tuple[str, ...] = ()
) -> Record:
    smiles, problem = smiles.strip(), ""
    if smiles.lower() in NO_VALUE:
        smiles, problem = "", f"the cell says {smiles}" if smiles else "an empty cell"
    elif "\0" in smiles:
        smiles, problem = "", f"zero bytes in {smiles[:_MAX_SHOWN]!r}"
    return Record(str(path), line, one_line(name.strip()) or _made_up(path, line), smiles, problem, extra, names=names)


def _made_up(path: Path, line: int) -> str:
    """Return the name of a molecule that has none in its file."""
    return one_line(f"{'stdin' if path == STDIN else path.name}:{line}")


def _smiles_positions(path: Path, columns: Sequence[str], wanted: str | None) -> list[int]:
    if wanted is not None:
        return _positions(path, columns, wanted)
    for pattern in _NAMES:
        fitting = [number for number, name in enumerate(columns) if pattern.search(_plain(name))]
        if len({columns[number] for number in fitting}) > 1:
            raise ConfigError(
                f"{path}: expected one column with SMILES, found {_listed([columns[n] for n in fitting])}; "
                "name one (smiles_column, --smiles-column)"
            )
        if fitting:
            return fitting
    raise ConfigError(
        f"{path}: expected a column with SMILES, found the columns {_listed(columns)}; name it "
        "(smiles_column, --smiles-column); a file without a header line should end in .smi"
    )


def _positions(path: Path, columns: Sequence[str], wanted: str) -> list[int]:
    """Return the positions of a column, several if it is given more than once; blanks around its name do not count."""
    positions = [number for number, name in enumerate(columns) if name.strip() == wanted.strip()]
    if not positions:
        raise ConfigError(f"{path}: expected one column {wanted!r}, found none; the columns are {_listed(columns)}")
    return positions


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(repr(name) for name in names[:_MAX_LISTED]) + more


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
