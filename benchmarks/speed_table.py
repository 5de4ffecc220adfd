"""What `make bench` measured: its record, compared with the saved one, and the table in the README.

make bench                # measures all -> results/bench.json
make bench-compare        # the ratios to benchmarks/bench.json
make bench SAVE=1         # measures all -> benchmarks/bench.json, and the table
"""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from page_text import insert

from molvae.errors import DataError
from molvae.files import read_json, write_json
from molvae.provenance import made_by

ROOT = Path(__file__).parents[1]
LAST, SAVED = ROOT / "results" / "bench.json", ROOT / "benchmarks" / "bench.json"
PAGE = ROOT / "README.md"
SCRIPT = "benchmarks/speed_table.py"


@dataclass(frozen=True)
class Row:
    """One row of the table; `ratio` is the rate divided by that of `limit`."""

    what: str
    rate: float
    unit: str
    limit: str = ""
    ratio: float = math.nan

    def line(self) -> str:
        """Return the row as printed."""
        return f"{self.what:<46}{self.rate:>10,.0f} {self.unit:<16}{shown(self.ratio):>7} {self.limit}".rstrip()


def shown(ratio: float) -> str:
    """Return a ratio as a percentage, or from 2 on as a multiple; nothing for NaN."""
    if math.isnan(ratio):
        return ""
    return f"{ratio:.0%}" if ratio < 2.0 else f"{ratio:.1f}x"


def save(rows: Sequence[Row], where: dict[str, Any], file: Path) -> None:
    """Write what was measured.

    Args:
        rows: The rows.
        where: What else the rates depend on: processor, threads, ...
        file: File to write.
    """
    of_rows = {row.what.strip(): asdict(row) | {"ratio": None if math.isnan(row.ratio) else row.ratio} for row in rows}
    write_json(file, {**where, **made_by(where["device"]), "rows": of_rows})


def compared(now: dict[str, Any], before: dict[str, Any]) -> Iterator[str]:
    """Yield a line a row of two records: the ratio to the limit, which other machines share, and the rates."""
    for name, record in (("saved", before), ("now", now)):
        yield f"{name}: {record['processor']}, {record['device']}, {record['n_cores']} threads, torch {record['torch']}"
    yield f"{'benchmark':<46}{'ratio saved':>12}{'now':>10}{'rate saved':>14}{'now':>12}{'now / saved':>12}"
    for what, row in now["rows"].items():
        other = before["rows"].get(what)
        ratios = [shown(math.nan if one is None or one["ratio"] is None else one["ratio"]) for one in (other, row)]
        rate = f"{other['rate']:,.0f}" if other else "-"
        change = f"{row['rate'] / other['rate']:.2f}" if other else "-"
        yield f"{what:<46}{ratios[0]:>12}{ratios[1]:>10}{rate:>14}{row['rate']:>12,.0f}{change:>12}"
    for what in before["rows"].keys() - now["rows"].keys():
        yield f"{what}: not measured now"


def markdown(record: dict[str, Any]) -> str:
    """Return the rows that have a limit or a peer, as a table."""
    rows = [
        f"| {what} | {row['rate']:,.0f} {row['unit']} | {shown(row['ratio'])} | {row['limit']} |"
        for what, row in record["rows"].items()
        if row["ratio"] is not None
    ]
    where = f"{record['processor']}, {record['n_cores']} threads, {record['device']}, torch {record['torch']}:"
    return "\n".join([where, "", "| benchmark | rate | ratio | to |", "|---|---:|---:|---|", *rows])


def main(arguments: list[str]) -> None:
    if arguments not in (["compare"], ["insert"]):
        sys.exit(f"expected compare or insert, found {' '.join(arguments) or 'nothing'}")
    try:
        if arguments == ["insert"]:
            insert(markdown(read_json(SAVED, ["rows"])), PAGE, SCRIPT)
        else:
            for line in compared(read_json(LAST, ["rows"]), read_json(SAVED, ["rows"])):
                print(line)
    except DataError as error:
        sys.exit(f"{error}; `make bench` writes the first, `make bench SAVE=1` the second")


if __name__ == "__main__":
    main(sys.argv[1:])
