"""The chart of a search whose goals are kept apart: its front, and how much the front dominates."""

from collections.abc import Sequence
from itertools import combinations

import altair as alt
import pandas as pd

from molvae.report.figures import ACCENT, FAINT, REFERENCE, Figure, Panel, evenly
from molvae.report.run_data import Optimization, Run, Search
from molvae.report.sections import Section
from molvae.report.sentences import title_of
from molvae.tables import TERM

KNEE = "#c2410c"
MAX_DOMINATED = 1000
"""Maximum number of dominated molecules that are drawn."""
MAX_ON_FRONT = 2000
"""Maximum number of molecules of the front that are drawn, apart from the knee."""
MAX_PAIRS = 6
"""Maximum number of pairs of terms that are drawn."""
HEIGHT = 320


def front_sections(run: Run) -> list[Section]:
    """Return the front of each objective whose goals were kept apart."""
    drawn = {result.objective: front(result) for result in run.optimizations}
    return [
        Section(f"front-{name}", f"Front: {title_of(name)}", "front.html.j2", {"figure": figure}, (figure,))
        for name, figure in drawn.items()
        if figure is not None
    ]


def front(result: Optimization) -> Figure | None:
    """Plot the front, a panel for each pair of terms, and the hypervolume against the oracle calls.

    Returns:
        None for a search whose goals are not kept apart.
    """
    if result.front is None or result.front.empty:
        return None
    terms = [name for name in result.front.columns if name.startswith(TERM)]
    every = list(combinations(terms, 2))
    pairs = every[:MAX_PAIRS]
    which = f" Drawn are the first {len(pairs)} of {len(every)} pairs of terms." if len(pairs) < len(every) else ""
    if len(result.front) > MAX_ON_FRONT:
        which += f" Of the front, {MAX_ON_FRONT:,} molecules are drawn, evenly along the first term, and the knee."
    reference = ", ".join(f"{name} {value:g}" for name, value in result.search.summary["reference_point"].items())
    return Figure(
        f"front_{result.objective}",
        "Front of the search",
        f"The {len(result.front):,} scored molecules that satisfy the constraints and that no other one surpasses in "
        "all terms, by the raw values of the terms. Grey: molecules that others surpass. Orange: the knee, beyond "
        "which a little more of one goal costs much of the others. Last chart: hypervolume of the desirabilities that "
        "the molecules so far dominate, above the reference point "
        f"({reference}); 1 is the most that there can be for a reference point of 0.{which}",
        (*(_pair(result, *pair, is_line=len(terms) == 2) for pair in pairs), _course(result)),
    )


def _pair(result: Optimization, x: str, y: str, *, is_line: bool) -> Panel:
    assert result.front is not None
    feasible = result.search.trace[result.search.trace["feasible"].astype(bool)]
    dominated = feasible[~feasible["smiles"].isin(result.front["smiles"])]
    titles = [x.removeprefix(TERM), y.removeprefix(TERM)]
    behind = alt.Chart(_values(evenly(dominated, MAX_DOMINATED), (x, y)))
    drawn = _on_front(result.front)
    table = _values(drawn, (x, y)).assign(SMILES=drawn["smiles"], call=drawn["call"])
    ahead = alt.Chart(table)
    tooltip = [
        *(alt.Tooltip(f"{axis}:Q", title=title) for axis, title in zip("xy", titles, strict=True)),
        alt.Tooltip("call:Q", title="oracle call", format=","),
        "SMILES:N",
    ]
    layers = [
        behind.mark_point(filled=True, size=18, opacity=0.5, color=FAINT),
        *([ahead.mark_line(color=ACCENT, strokeWidth=1.2, opacity=0.6)] if is_line else []),
        ahead.mark_point(filled=True, size=60, opacity=0.9, color=ACCENT).encode(tooltip=tooltip),
        alt.Chart(table[drawn["knee"].astype(bool)])
        .mark_point(filled=True, size=190, shape="diamond", opacity=1.0, color=KNEE)
        .encode(tooltip=tooltip),
    ]
    axes = {
        axis: channel(f"{axis}:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6))
        for axis, channel, title in zip("xy", (alt.X, alt.Y), titles, strict=True)
    }
    return alt.layer(*(layer.encode(**axes) for layer in layers)).properties(
        title=f"{titles[1]} against {titles[0]}", height=HEIGHT
    )


def _on_front(front: pd.DataFrame) -> pd.DataFrame:
    """Return the molecules of a front that are drawn, evenly along its first term, with the knee."""
    if len(front) <= MAX_ON_FRONT:
        return front.reset_index(drop=True)
    first = next(name for name in front.columns if name.startswith(TERM))
    thinned = evenly(front.sort_values(first, kind="stable"), MAX_ON_FRONT)
    return front[front.index.isin(thinned.index) | front["knee"].astype(bool)].reset_index(drop=True)


def _values(table: pd.DataFrame, columns: tuple[str, str]) -> pd.DataFrame:
    return table[list(columns)].round(4).set_axis(["x", "y"], axis=1).reset_index(drop=True)


def _course(result: Optimization) -> Panel:
    courses = {"search": (result.search, ACCENT)}
    if result.baseline is not None and "hypervolume_course" in result.baseline.summary:
        courses["random sampling"] = (result.baseline, REFERENCE)
    table = pd.concat([_steps(search, label) for label, (search, _) in courses.items()])
    colours = alt.Scale(domain=list(courses), range=[colour for _, colour in courses.values()])
    lines = (
        alt.Chart(table)
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X("call:Q", title="Oracle calls", scale=alt.Scale(nice=False), axis=alt.Axis(tickCount=8)),
            y=alt.Y("hypervolume:Q", title="Hypervolume"),
            color=alt.Color("curve:N", title=None, scale=colours),
            tooltip=["curve:N", alt.Tooltip("call:Q", format=",", title="oracle calls"), "hypervolume:Q"],
        )
    )
    return alt.layer(lines, *_training_level(result.search)).properties(
        title="Hypervolume against oracle calls", height=HEIGHT
    )


def _steps(search: Search, label: str) -> pd.DataFrame:
    """Return the calls at which the hypervolume of a search grew, with its beginning and its end."""
    steps = search.summary["hypervolume_course"]
    rows = [[0, 0.0], *steps, [len(search.trace), search.summary["hypervolume"]]]
    return pd.DataFrame(rows, columns=["call", "hypervolume"]).round({"hypervolume": 5}).assign(curve=label)


def _training_level(search: Search) -> Sequence[alt.Chart]:
    """Plot the hypervolume of the training set as a labelled dashed line."""
    if "training_hypervolume" not in search.summary:
        return []
    table = pd.DataFrame({"hypervolume": [round(search.summary["training_hypervolume"], 5)], "label": ["training set"]})
    level = alt.Chart(table).encode(y="hypervolume:Q")
    text = level.mark_text(align="right", dy=-6, color=REFERENCE, fontSize=11)
    return [
        level.mark_rule(color=REFERENCE, strokeDash=[5, 4]),
        text.encode(x=alt.value("width"), text="label:N"),
    ]
