"""Read molecule files of any usual format as one stream of records.

Formats, by the name's ending: `.smi` (SMILES and an optional name, separated by blanks), `.csv` and `.tsv` (a header
line, then a molecule a line), `.sdf` (MDL, V2000 and V3000) and `.parquet`, each also with `.gz` after it.

A record is a row that is not blank. Rows without a usable structure are records too, with an empty SMILES, so that a
caller can account for every one of them.
"""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import IO, TextIO, cast

from rdkit import Chem

from molvae.chem.quiet import quiet
from molvae.errors import ConfigError, DataError

# A group counts only where nothing of those before is there.
_EXACT_NAME = re.compile("^smiles$")
_SMILES_NAMES = re.compile("smiles|^smi$")
_STRUCTURE_NAMES = re.compile("^(structure|molecule|mol)s?$")
# The SMILES, with the extension between bars that CXSMILES puts after a blank, and whatever follows as the name.
_SMI_ROW = re.compile(r"\s*(?P<smiles>\S+(?: \|[^|]*\|)?)(?P<name>.*)")

_SDF_END = "$$$$"
_PARQUET_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a molecule file.

    Attributes:
        source: Path of the file, as it was given.
        line: Line on which the record starts, from 1; in a `.parquet` file, the row, from 1.
        id: The molecule's name; `<file name>:<line>` where the file gives none.
        smiles: What the file holds as SMILES, not checked; empty where there is nothing or it cannot be read.
    """

    source: str
    line: int
    id: str
    smiles: str


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
    reader = _reader_of(path)
    empty = True
    with _explained(path):
        for line, name, smiles in reader(path, smiles_column, id_column):
            empty = False
            yield Record(str(path), line, name or f"{path.name}:{line}", smiles)
    if empty and not may_be_empty:
        raise DataError(f"{path}: expected molecules, found none; the file is empty or has only a header")


# What a reader yields: the line, the name or "", and the SMILES or "".
_Row = tuple[int, str, str]
_Reader = Callable[[Path, str | None, str | None], Iterator[_Row]]


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
            f"{path}: expected a molecule file ending in {', '.join(readers)}, each also with .gz, "
            f"found {ending or 'no ending'!r}; rename or convert it"
        )
    return readers[ending]


def _format(path: Path) -> str:
    """Return the ending that tells the format, in lower case, without a `.gz` after it."""
    name = Path(path.name.lower())
    return name.with_suffix("").suffix if name.suffix == ".gz" else name.suffix


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what can go wrong when a file is read into one clear sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected a molecule file here, found none; check the path") from error
    except IsADirectoryError as error:
        raise DataError(f"{path}: expected a molecule file, found a folder; name the file in it") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: expected text in UTF-8, found the byte 0x{error.object[error.start]:02x} ({error.reason}); "
            "convert it to UTF-8, or give the file the ending of its format"
        ) from error
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path}: expected a whole gzip file, found a cut or damaged one; fetch it again") from error
    except OSError as error:
        raise DataError(f"{path}: expected a readable file, found an error ({error})") from error


@contextmanager
def _open_bytes(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        if path.suffix.lower() != ".gz":
            yield file
            return
        with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
            yield cast("IO[bytes]", unpacked)


@contextmanager
def _open_text(path: Path, newline: str | None = None) -> Iterator[TextIO]:
    # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
    with _open_bytes(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline=newline) as text:
        yield text


def _read_smi(path: Path, _smiles_column: str | None, _id_column: str | None) -> Iterator[_Row]:
    with _open_text(path) as text:
        for number, line in enumerate(text, start=1):
            row = _SMI_ROW.match(line)
            if row is None or (number == 1 and _SMILES_NAMES.search(_plain(row["smiles"]))):
                continue
            yield number, row["name"].strip(), row["smiles"]


def _read_delimited(path: Path, smiles_column: str | None, id_column: str | None) -> Iterator[_Row]:
    with _open_text(path, newline="") as text:
        before, header = next(((number, line) for number, line in enumerate(text) if line.strip()), (0, ""))
        delimiter = "\t" if _format(path) == ".tsv" else max(",;\t", key=header.count)
        # Strict, because a quote that is never closed would swallow the rows after it without a word.
        rows = csv.reader(chain([header], text), delimiter=delimiter, strict=True)
        try:
            columns = [name.strip() for name in next(rows, [])]
            if not columns:
                return
            smiles_at = _smiles_position(path, columns, smiles_column)
            id_at = None if id_column is None else _position(path, columns, id_column)
            line = before + rows.line_num + 1
            for row in rows:
                # A quoted empty cell by itself is a row without a structure; a blank line is none.
                if row == [""] or any(cell.strip() for cell in row):
                    # A row with too few or too many cells: which is the SMILES is anyone's guess.
                    fits = len(row) == len(columns)
                    yield (
                        line,
                        row[id_at].strip() if fits and id_at is not None else "",
                        row[smiles_at].strip() if fits else "",
                    )
                line = before + rows.line_num + 1
        except csv.Error as error:
            raise DataError(
                f"{path}: expected delimited text with quotes in pairs, found otherwise ({error}) near line "
                f"{before + rows.line_num}; correct that line"
            ) from error


def _read_parquet(path: Path, smiles_column: str | None, id_column: str | None) -> Iterator[_Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _open_bytes(path) as file:
        # Parquet is read from its end, which a compressed stream cannot do: that one is unpacked in memory.
        source = io.BytesIO(file.read()) if path.suffix.lower() == ".gz" else file
        try:
            table = pq.ParquetFile(source)
            columns = table.schema_arrow.names
            wanted = [columns[_smiles_position(path, columns, smiles_column)]]
            if id_column is not None:
                wanted.append(columns[_position(path, columns, id_column)])
            row = 0
            for batch in table.iter_batches(batch_size=_PARQUET_BATCH, columns=wanted):
                cells = [batch.column(name).to_pylist() for name in wanted]
                for values in zip(*cells, strict=True):
                    row += 1
                    smiles, *rest = ("" if value is None else str(value).strip() for value in values)
                    yield row, rest[0] if rest else "", smiles
        except pa.ArrowException as error:
            raise DataError(f"{path}: expected a Parquet table, found something else ({error})") from error


def _read_sdf(path: Path, _smiles_column: str | None, id_column: str | None) -> Iterator[_Row]:
    with _open_text(path) as text:
        block: list[str] = []
        start = 1
        for number, line in enumerate(text, start=1):
            if not line.startswith(_SDF_END):
                block.append(line)
                continue
            yield start, _sdf_name(block, id_column), _sdf_smiles("".join(block))
            block, start = [], number + 1
        # The last record may lack its end line.
        if any(line.strip() for line in block):
            yield start, _sdf_name(block, id_column), _sdf_smiles("".join(block))


def _sdf_smiles(block: str) -> str:
    """Return the SMILES of a structure, or an empty string where there is none.

    A structure that breaks the rules of valence is written as it stands, so that the reject shows it.
    """
    with quiet():
        mol = _mol_of(block, sanitize=True) or _mol_of(block, sanitize=False)
        return "" if mol is None else Chem.MolToSmiles(mol)


def _mol_of(block: str, *, sanitize: bool) -> Chem.Mol | None:
    return Chem.MolFromMolBlock(block, sanitize=sanitize)


def _sdf_name(block: list[str], id_column: str | None) -> str:
    """Return the value of a data field, or the title line where none is asked for or the record lacks it."""
    if id_column is not None:
        for line, value in pairwise(block):
            if line.startswith(">") and f"<{id_column}>" in line:
                return value.strip()
    return block[0].strip() if block else ""


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
