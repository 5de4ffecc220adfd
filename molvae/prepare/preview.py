"""Look at the beginning of molecule files before the work: what would be read, and what would be rejected."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from molvae.chem.reading import Columns, smiles_column_of, with_structure
from molvae.config import PrepareConfig
from molvae.prepare.blocks import Source
from molvae.prepare.convert import Refused, convert_all
from molvae.prepare.write import printable

FIRST_ROWS = 1_000
_MOST_SHOWN = 10
_LONGEST_SHOWN = 100


def preview(paths: Sequence[Path], config: PrepareConfig) -> Iterator[str]:
    """Yield in lines for people, for each file, how it is read and what becomes of its first rows.

    Args:
        paths: The files.
        config: The settings.

    Raises:
        DataError: If a file cannot be read.
        ConfigError: If a setting does not fit a file.
    """
    for path in paths:
        column = smiles_column_of(path, Columns(smiles=config.smiles_column))
        records = list(map(with_structure, islice(Source("input", (path,)).records(config), FIRST_ROWS)))
        outcomes = convert_all(records, config)
        refused = [(record, each) for record, each in zip(records, outcomes, strict=True) if isinstance(each, Refused)]
        reasons = Counter(each.reason.value for _, each in refused)
        size = path.stat().st_size
        yield f"{path}: {size:,} bytes" + (f", SMILES in the column {column!r}" if column else "")
        yield (
            f"  of the first {len(records):,} rows {len(records) - len(refused):,} are molecules to keep"
            + "".join(f"; {n:,} {reason}" for reason, n in reasons.most_common())
        )
        for record, each in refused[:_MOST_SHOWN]:
            found = printable(record.smiles[:_LONGEST_SHOWN])
            yield f"  line {record.line} {found!r}: {each.reason.value}" + (
                f" ({printable(each.detail[:_LONGEST_SHOWN])})" if each.detail else ""
            )
        if len(refused) > _MOST_SHOWN:
            yield f"  and {len(refused) - _MOST_SHOWN:,} more"
