"""The next plate on the page: each molecule drawn, with its predicted value, its nearest measured one, and why."""

import math
from dataclasses import dataclass
from pathlib import Path

from molvae.report.drawings import draw
from molvae.report.numerals import decimals_for, number
from molvae.report.run_data import Run
from molvae.report.sections import Section
from molvae.tables import PLATE


@dataclass(frozen=True)
class PlateRow:
    """A molecule of the plate.

    Attributes:
        smiles: The molecule.
        svg: Its drawing.
        predicted: Its predicted value, and the interval.
        nearest: The most similar measured molecule.
        nearest_svg: Its drawing, oriented like the molecule's.
        nearest_value: Its measured value.
        why: Why the molecule is on the plate.
    """

    smiles: str
    svg: str
    predicted: str
    nearest: str
    nearest_svg: str
    nearest_value: str
    why: str


def plate_sections(run: Run) -> list[Section]:
    """Return the next plate, where one was asked for."""
    rows = plate_rows(run.folder) if run.settings.propose.is_wanted else []
    return [Section("plate", "Next plate", "plate.html.j2", {"rows": rows})] if rows else []


def plate_rows(run_folder: Path) -> list[PlateRow]:
    """Return the molecules of the plate in a run's folder, in its order; none where there is no plate."""
    path = run_folder / "propose" / PLATE.file
    if not path.exists():
        return []
    table = PLATE.read(path, PLATE.names).fillna({"nearest": ""})
    decimals = decimals_for(table["predicted"].to_numpy(), 2)
    return [
        PlateRow(
            smiles=row["smiles"],
            svg=draw(row["smiles"]),
            predicted=_with_interval(row["predicted"], row["low"], row["high"], decimals),
            nearest=row["nearest"],
            nearest_svg=draw(row["nearest"], row["smiles"]) if row["nearest"] else "",
            nearest_value=number(row["nearest_value"], decimals),
            why=row["why"],
        )
        for row in table.to_dict("records")
    ]


def _with_interval(value: float, low: float, high: float, decimals: int) -> str:
    texts = [number(one, decimals) for one in (value, low, high)]
    return "–" if math.isnan(value) else f"{texts[0]} ({texts[1]} to {texts[2]})"
