"""Preview the beginning of molecule files: how they are read, and which rows would be rejected."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from molvae.chem.reading import Columns, smiles_column_of, with_structure
from molvae.config import PrepareConfig
from molvae.prepare.blocks import Source
from molvae.prepare.convert import Rejected, convert_all
from molvae.text import printable

FIRST_ROWS = 1_000
_MAX_ROWS_SHOWN = 10
_MAX_LENGTH_SHOWN = 100


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
        yield f"{path}: {size:,} bytes" + (f", SMILES in the column {column!r}" if column else "")
        yield (
            f"  of the first {len(records):,} rows {len(records) - len(rejected):,} are molecules to keep"
            + "".join(f"; {n:,} {reason}" for reason, n in reasons.most_common())
        )
        for position, name in enumerate(config.properties):
            if not any(record.extra[position] for record in records):
                yield f"  none of them has a value of {name}"
        for record, outcome in rejected[:_MAX_ROWS_SHOWN]:
            # What has no SMILES may have a name.
            name = "" if record.id.endswith(f":{record.line}") else record.id
            text = printable((record.smiles or name)[:_MAX_LENGTH_SHOWN])
            yield f"  line {record.line} {text!r}: {outcome.reason.value}" + (
                f" ({printable(outcome.detail[:_MAX_LENGTH_SHOWN])})" if outcome.detail else ""
            )
        if len(rejected) > _MAX_ROWS_SHOWN:
            yield f"  and {len(rejected) - _MAX_ROWS_SHOWN:,} more"
