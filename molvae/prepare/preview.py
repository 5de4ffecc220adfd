"""Preview the beginning of molecule files: how they are read, and which rows would be rejected."""

import shlex
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path

from molvae.chem.measurements import read_measurement
from molvae.chem.reading import (
    NO_VALUE,
    Columns,
    Record,
    id_column_of,
    read_records,
    smiles_column_of,
    with_structure,
)
from molvae.config import PrepareConfig
from molvae.prepare.blocks import Source
from molvae.prepare.convert import Rejected, convert_all
from molvae.text import printable

FIRST_ROWS = 1_000
_MAX_ROWS_SHOWN = 10
_MAX_LENGTH_SHOWN = 100
# Fraction of the cells with a value that are numbers in a column of numbers; the others may be bounds such as >10.
_MOSTLY = 0.5


def preview(paths: Sequence[Path], config: PrepareConfig) -> Iterator[str]:
    """Yield lines of text that describe how each file is read and which of its first rows would be rejected.

    Args:
        paths: The files.
        config: The settings.

    Raises:
        DataError: If a file cannot be read.
        ConfigError: If a setting does not match a file.
    """
    for path in paths:
        column = smiles_column_of(path, Columns(smiles=config.smiles_column))
        records = list(map(with_structure, islice(Source("input", (path,)).records(config), FIRST_ROWS)))
        outcomes = convert_all(records, config)
        rejected = [
            (record, outcome)
            for record, outcome in zip(records, outcomes, strict=True)
            if isinstance(outcome, Rejected)
        ]
        reasons = Counter(outcome.reason.value for _, outcome in rejected)
        size = path.stat().st_size
        id_column = _id_column(_first_records(path, config), column, config) if column else None
        yield (
            f"{path}: {size:,} bytes"
            + (f", SMILES in the column {column!r}" if column else "")
            + (f", names in {id_column!r}" if id_column else "")
        )
        yield (
            f"  of the first {len(records):,} rows {len(records) - len(rejected):,} are molecules to keep"
            + "".join(f"; {n:,} {reason}" for reason, n in reasons.most_common())
        )
        for position, name in enumerate(config.properties):
            if not any(record.extra[position] for record in records):
                yield f"  none of them has a value of {name}"
        for line in unused_columns(path, config):
            yield f"  {line}"
        for record, outcome in rejected[:_MAX_ROWS_SHOWN]:
            # What has no SMILES may have a name.
            name = "" if record.id.endswith(f":{record.line}") else record.id
            text = printable((record.smiles or name)[:_MAX_LENGTH_SHOWN])
            yield f"  line {record.line} {text!r}: {outcome.reason.value}" + (
                f" ({printable(outcome.detail[:_MAX_LENGTH_SHOWN])})" if outcome.detail else ""
            )
        if len(rejected) > _MAX_ROWS_SHOWN:
            yield f"  and {len(rejected) - _MAX_ROWS_SHOWN:,} more"


def unused_columns(path: Path, config: PrepareConfig) -> Iterator[str]:
    """Yield a line for each column that is not used and has numbers, and one for all others.

    Args:
        path: A molecule file, of which the first rows are read.
        config: The settings, which say what is used.
    """
    records = _first_records(path, config)
    smiles_column = smiles_column_of(path, Columns(smiles=config.smiles_column))
    if smiles_column is None and not any(record.block for record in records):
        return
    used = {smiles_column, config.split_column, _id_column(records, smiles_column, config), *config.properties}
    numbers, others = other_columns(records, used)
    for name, values in numbers.items():
        yield (
            f"not used: {name} (numbers, {min(values):g} to {max(values):g}); to carry it: --property "
            f"{shlex.quote(f'{name}=UNIT')}, or prepare.properties: {{{name}: UNIT}}"
        )
    if others:
        yield f"not used: {', '.join(others)} (text)"


def other_columns(records: Sequence[Record], used: Collection[str | None]) -> tuple[dict[str, list[float]], list[str]]:
    """Tell columns of numbers from others, by their cells in some records.

    Args:
        records: Records with all their columns.
        used: Columns to leave out.

    Returns:
        The numbers in each column of numbers, and the names of the others; a column without any value is in neither.
    """
    cells: dict[str, list[str]] = {}
    for record in records:
        for name, cell in zip(record.names, record.extra, strict=True):
            if name not in used and cell.lower() not in NO_VALUE:
                cells.setdefault(name, []).append(cell)
    numbers = {
        name: [value for text in texts if (value := read_measurement(text).value) is not None]
        for name, texts in cells.items()
    }
    measured = {name: values for name, values in numbers.items() if len(values) >= _MOSTLY * len(cells[name])}
    return measured, [name for name in cells if name not in measured]


def _first_records(path: Path, config: PrepareConfig) -> list[Record]:
    return list(islice(read_records(path, Columns(config.smiles_column, config.id_column, None)), FIRST_ROWS))


def _id_column(records: Sequence[Record], smiles_column: str | None, config: PrepareConfig) -> str | None:
    names = dict.fromkeys(name for record in records for name in record.names if name != smiles_column)
    return config.id_column or id_column_of(list(names))
