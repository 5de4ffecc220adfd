"""The evidence for the learned terms of a search: errors, predicted against measured values, and calibration."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from molvae.files import read_json
from molvae.report.decision import term_title
from molvae.report.figures import ACCENT, PANEL_HEIGHT, REFERENCE, Figure, Panel, evenly
from molvae.report.numerals import count, decimals_for, inflected, percent, plural
from molvae.report.predictions import learning_files
from molvae.report.run_data import Optimization, Run
from molvae.report.sections import Section
from molvae.report.sentences import title_of
from molvae.tables import IN_DOMAIN

MODEL_TITLES = {
    "gaussian_process": "Gaussian process on substructure counts and descriptors",
    "extra_trees": "Extremely randomised trees on ECFP4 counts and descriptors",
    "latent_gaussian_process": "Gaussian process on latent codes",
}
"""What a reader calls the models that compete."""

_MAX_POINTS = 1000
_KEYS = (
    *("column", "source", "n", "n_values", "n_censored", "n_rejected", "coverage", "domain_similarity"),
    *("candidates", "kept", "split", "calibration", "held_out"),
)


@dataclass(frozen=True)
class ErrorRow:
    """A row of the table of errors.

    Attributes:
        title: The model.
        is_kept: Whether it is the one that predicts.
        scaffold: RMSE, MAE, R2 and rank correlation with whole scaffolds held out; empty if there are too few.
        random: The same with molecules held out at random.
    """

    title: str
    is_kept: bool
    scaffold: tuple[str, ...]
    random: tuple[str, ...]


@dataclass(frozen=True)
class LearnedPart:
    """What the page shows of one learned term.

    Attributes:
        term: Name of the term.
        title: What a reader calls it.
        lead: What was learned from what, and how well.
        errors: The models that competed, the best first.
        note: What was left out, and how the errors were measured.
        figure: Predicted against measured values, and the calibration curve.
        domain: How many candidates are in the applicability domain.
    """

    term: str
    title: str
    lead: str
    errors: tuple[ErrorRow, ...]
    note: str
    figure: Figure
    domain: str


def learned_sections(run: Run) -> list[Section]:
    """Return the evidence for the learned terms of each objective that has some."""
    parts = {result.objective: learned_parts(run.folder, result) for result in run.optimizations}
    return [
        Section(
            f"learned-{name}",
            f"Learned from measurements: {title_of(name)}",
            "learned.html.j2",
            {"parts": of_objective},
            tuple(part.figure for part in of_objective),
        )
        for name, of_objective in parts.items()
        if of_objective
    ]


def learned_parts(run_folder: Path, result: Optimization) -> tuple[LearnedPart, ...]:
    """Return the evidence for each learned term of a search; of one whose file is gone, nothing is shown."""
    files = learning_files(run_folder, result.objective)
    return tuple(_part(term, read_json(path, _KEYS), result) for term, path in files.items())


def _part(term: str, content: Mapping[str, Any], result: Optimization) -> LearnedPart:
    kept = next(candidate for candidate in content["candidates"] if candidate["name"] == content["kept"])
    errors = kept[content["split"]]
    held_out = "whole scaffolds held out" if content["split"] == "scaffold" else "a random fifth held out at a time"
    decimals = _decimals(content)
    covered = next((p["actual"] for p in content["calibration"] if p["nominal"] == content["coverage"]), float("nan"))
    return LearnedPart(
        term=term,
        title=term_title(term),
        lead=f"{content['source']}: predictions are off by {errors['rmse']:,.{decimals}f} (RMSE) and "
        f"{_explained(errors['r2'])} with {held_out}, which is what to expect of molecules that are new.",
        errors=tuple(_row(candidate, content["kept"], decimals) for candidate in content["candidates"]),
        note=_note(content),
        figure=_figure(f"learned_{result.objective}_{term}", content, covered),
        domain=_domain(term, content, result.candidates),
    )


def _explained(r2: float) -> str:
    return f"explain {percent(r2)} of the variance" if r2 > 0.0 else "are no better than the mean of the values"


def _decimals(content: Mapping[str, Any]) -> int:
    """Return how many decimals the errors need: those of mol/L may be far below 0.01."""
    errors = [one[split] for one in content["candidates"] for split in ("random", "scaffold") if one[split] is not None]
    return decimals_for([one["rmse"] for one in errors], 2)


def _row(candidate: Mapping[str, Any], kept: str, decimals: int) -> ErrorRow:
    def texts(errors: Mapping[str, float] | None) -> tuple[str, ...]:
        if errors is None:
            return ()
        of_values = [f"{errors[name]:,.{decimals}f}" for name in ("rmse", "mae")]
        return (*of_values, *(f"{errors[name]:.2f}".replace("-", "\u2212") for name in ("r2", "spearman")))

    name = candidate["name"]
    scaffold, random = texts(candidate["scaffold"]), texts(candidate["random"])
    return ErrorRow(MODEL_TITLES.get(name, name), name == kept, scaffold, random)


def _note(content: Mapping[str, Any]) -> str:
    repeats = content["n_values"] - content["n"]
    return (
        f"{count(content['n'])} measured molecules, each predicted by models that were fitted without it. The model of "
        f"the lowest RMSE on held-out {'scaffolds' if content['split'] == 'scaffold' else 'molecules'} is kept. "
        f"{count(repeats)} repeated measurements are averaged; {count(content['n_censored'])} bounds such as >10 are "
        f"left out, and {count(content['n_rejected'])} rows could not be read."
    )


def _domain(term: str, content: Mapping[str, Any], candidates: pd.DataFrame) -> str:
    column = f"{IN_DOMAIN}{term}"
    if column not in candidates or candidates.empty:
        return ""
    n = int(candidates[column].astype(bool).sum())
    are, their = inflected(n, "is", "are"), inflected(n, "its", "their")
    return (
        f"{count(n)} of {plural(len(candidates), 'candidate')} {are} in the applicability domain: {their} ECFP4 "
        f"similarity (2,048 bits) to the nearest measured molecule is at least {content['domain_similarity']:.2f}, as "
        "it was for 95 % of the molecules that the errors were measured on."
    )


def _figure(name: str, content: Mapping[str, Any], covered: float) -> Figure:
    return Figure(
        name,
        f"How far to trust the predictions of {content['column']}",
        "Left: each point is a measured molecule, predicted by a model that was fitted without it; on the line the "
        f"prediction is right. Right: {percent(covered)} of the held-out values lie in the "
        f"{percent(content['coverage'])} intervals; on the line, intervals cover what they promise.",
        (_scatter(content), _calibration(content["calibration"])),
    )


def _scatter(content: Mapping[str, Any]) -> Panel:
    table = evenly(pd.DataFrame(content["held_out"]).sort_values("measured", kind="stable"), _MAX_POINTS)
    ends = [float(table[["measured", "predicted"]].min().min()), float(table[["measured", "predicted"]].max().max())]
    line = _diagonal(ends, "measured", "predicted")
    points = alt.Chart(table).mark_point(filled=True, size=26, opacity=0.5, color=ACCENT)
    drawn = points.encode(
        x=alt.X("measured:Q", title="Measured", scale=alt.Scale(zero=False)),
        y=alt.Y("predicted:Q", title="Predicted", scale=alt.Scale(zero=False)),
        tooltip=["smiles:N", "measured:Q", "predicted:Q"],
    )
    chart: Panel = alt.layer(line, drawn)
    return chart.properties(title=f"{content['column']}: predicted against measured", height=1.4 * PANEL_HEIGHT)


def _calibration(points: list[Mapping[str, float]]) -> Panel:
    table = pd.DataFrame(points, columns=["nominal", "actual"]).astype(float).round(4)
    axis = alt.Axis(format="%")
    curve = alt.Chart(table).mark_line(point=alt.OverlayMarkDef(size=36), color=ACCENT)
    drawn = curve.encode(
        x=alt.X("nominal:Q", title="Coverage asked for", axis=axis),
        y=alt.Y("actual:Q", title="Held-out values covered", axis=axis),
        tooltip=[alt.Tooltip("nominal:Q", format=".0%"), alt.Tooltip("actual:Q", format=".1%")],
    )
    chart: Panel = alt.layer(_diagonal([0.0, 1.0], "nominal", "actual"), drawn)
    return chart.properties(title="Calibration of the intervals", height=1.4 * PANEL_HEIGHT)


def _diagonal(ends: list[float], x: str, y: str) -> alt.Chart:
    line = alt.Chart(pd.DataFrame({x: ends, y: ends})).mark_line(color=REFERENCE, strokeDash=[5, 4])
    drawn: alt.Chart = line.encode(x=f"{x}:Q", y=f"{y}:Q")
    return drawn
