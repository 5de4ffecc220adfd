"""The charts of what was measured on the latent space."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from molvae.metrics.metric import Metric
from molvae.report.figures import ACCENT, PANEL_HEIGHT, REFERENCE, Figure, Panel
from molvae.report.run_data import Evaluation, value_of
from molvae.report.tables import decoded_title


def latent_space(evaluation: Evaluation) -> Figure | None:
    """Draw reconstruction by size, KL by dimension, similarity against distance, and the FCD of decoded codes.

    Returns:
        The figure, or None for a run of the first version, which has none of these.
    """
    panels: list[Panel] = []
    if len(evaluation.by_size):
        panels.append(_by_size(evaluation.by_size))
    if len(evaluation.by_dimension):
        panels.append(_by_dimension(evaluation.by_dimension))
    if len(evaluation.by_distance):
        panels.append(_by_distance(evaluation.by_distance))
    if evaluation.decoded:
        panels.append(_decoded(evaluation.decoded))
    caption = (
        "Exact reconstruction by the number of heavy atoms, with 95 % intervals. Divergence of each latent dimension "
        "from N(0, 1), the largest first: a dimension at zero says nothing. Mean ECFP4 similarity of pairs of "
        "molecules against the distance of their codes, the nearest in the finest bins. FCD to the test molecules of "
        "what codes decode to, as many of each kind: posterior samples are the bound for a prior over codes."
    )
    return Figure("latent_space", "The latent space measured", caption, tuple(panels)) if panels else None


def _by_size(rows: pd.DataFrame) -> Panel:
    sizes = [
        f"{first}" if first == last else f"{first}–{last}"
        for first, last in zip(rows["heavy_atoms_from"], rows["heavy_atoms_to"], strict=True)
    ]
    table = rows[["exact", "low", "high", "n"]].round(4).assign(size=sizes)
    base = alt.Chart(table).encode(
        x=alt.X("size:N", title="Heavy atoms", sort=sizes, axis=alt.Axis(labelAngle=0)),
        tooltip=["size:N", alt.Tooltip("exact:Q", format=".1%"), alt.Tooltip("n:Q", format=",")],
    )
    share = alt.Y("exact:Q", title=None, axis=alt.Axis(format="%", tickCount=5), scale=alt.Scale(domain=[0, 1]))
    interval = base.mark_rule(color=REFERENCE, strokeWidth=2).encode(y=alt.Y("low:Q"), y2="high:Q")
    points = base.mark_point(filled=True, size=50, color=ACCENT, opacity=1).encode(y=share)
    return alt.layer(interval, points).properties(title="Exact reconstruction by size", height=PANEL_HEIGHT)


def _by_dimension(rows: pd.DataFrame) -> Panel:
    falling = rows["kl_nats"].sort_values(ascending=False).round(4)
    table = pd.DataFrame({"rank": range(1, len(rows) + 1), "nats": falling.to_numpy(), "dimension": falling.index})
    bars = alt.Chart(table).mark_bar(color=ACCENT, binSpacing=0)
    chart: alt.Chart = bars.encode(
        x=alt.X("rank:O", title="Latent dimension, by rank", axis=alt.Axis(labels=False, ticks=False)),
        y=alt.Y("nats:Q", title=None),
        tooltip=["dimension:Q", alt.Tooltip("nats:Q", format=".3f")],
    )
    return chart.properties(title="KL by dimension, nats", height=PANEL_HEIGHT)


def _by_distance(rows: pd.DataFrame) -> Panel:
    lines = alt.Chart(rows.round(4)).mark_line(color=ACCENT, point=alt.OverlayMarkDef(size=30, color=ACCENT))
    chart: alt.Chart = lines.encode(
        x=alt.X("distance:Q", title="Distance of codes", scale=alt.Scale(zero=False)),
        y=alt.Y("similarity:Q", title=None, scale=alt.Scale(zero=True)),
        tooltip=[
            alt.Tooltip("distance:Q", format=".2f"),
            alt.Tooltip("similarity:Q", format=".3f"),
            alt.Tooltip("n:Q", format=",", title="pairs"),
        ],
    )
    return chart.properties(title="Similarity of molecules against distance of codes", height=PANEL_HEIGHT)


def _decoded(decoded: Mapping[str, Mapping[str, Metric]]) -> Panel:
    table = pd.DataFrame(
        {
            "what": [decoded_title(name) for name in decoded],
            "fcd": [round(value_of(each, "fcd"), 3) for each in decoded.values()],
            "n": [each["fcd"].n for each in decoded.values()],
        }
    ).dropna()
    bars = alt.Chart(table).mark_bar(color=ACCENT)
    chart: alt.Chart = bars.encode(
        x=alt.X("fcd:Q", title="FCD, lower is better"),
        y=alt.Y("what:N", title=None, sort=table["what"].tolist()),
        tooltip=["what:N", "fcd:Q", alt.Tooltip("n:Q", format=",")],
    )
    return chart.properties(title="FCD of what codes decode to", height=PANEL_HEIGHT)
