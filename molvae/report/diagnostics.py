"""Charts of the latent space: how well codes decode, and how their distances relate to molecules."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from molvae.metrics.metric import Metric
from molvae.report.figures import ACCENT, PANEL_HEIGHT, REFERENCE, Figure, Panel
from molvae.report.numerals import listed, number
from molvae.report.run_data import Evaluation, value_of
from molvae.report.tables import decoded_title


def latent_space(evaluation: Evaluation) -> Figure | None:
    """Plot reconstruction by size, KL by dimension, similarity against distance, and the FCD of decoded codes.

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
        "Exact reconstruction: fraction of the held-out molecules that are reconstructed, by number of heavy atoms, "
        "with 95\u00a0% confidence intervals. KL divergence: of each latent dimension from N(0, 1), in decreasing "
        "order; a dimension at zero carries no information. Similarity: mean Tanimoto similarity (ECFP4, 2,048 bits) "
        "of pairs of molecules against the distance between their codes, with narrower bins for the nearest pairs. "
        "FCD: Fréchet ChemNet distance of decoded codes to the test molecules, with equally many codes of each kind; "
        "posterior samples are the bound for a prior over codes."
    )
    good = (
        "Reconstruction that is high at every size, most dimensions above zero, similarity that falls with distance, "
        "and an FCD of midpoints and of prior samples near that of posterior samples."
    )
    finding = _finding(evaluation)
    if not panels:
        return None
    return Figure("latent_space", "Latent space diagnostics", caption, tuple(panels), good=good, finding=finding)


def _finding(evaluation: Evaluation) -> str:
    names = [name for name in ("posterior_samples", "midpoints", "prior") if name in evaluation.decoded]
    values = [
        f"{number(value_of(evaluation.decoded[name], 'fcd'))} for {decoded_title(name).lower()}" for name in names
    ]
    return f"The FCD is {listed(values)}." if values else ""


def _by_size(rows: pd.DataFrame) -> Panel:
    sizes = [
        f"{first}" if first == last else f"{first}–{last}"
        for first, last in zip(rows["heavy_atoms_from"], rows["heavy_atoms_to"], strict=True)
    ]
    table = rows[["exact", "low", "high", "n"]].round(4).assign(size=sizes)
    base = alt.Chart(table).encode(
        x=alt.X("size:N", title="Heavy atoms", sort=sizes, axis=alt.Axis(labelAngle=0)),
        tooltip=[
            alt.Tooltip("size:N", title="heavy atoms"),
            alt.Tooltip("exact:Q", format=".1%", title="reconstructed"),
            alt.Tooltip("n:Q", format=",", title="molecules"),
        ],
    )
    fraction = alt.Y("exact:Q", title=None, axis=alt.Axis(format="%", tickCount=5), scale=alt.Scale(domain=[0, 1]))
    interval = base.mark_rule(color=REFERENCE, strokeWidth=2).encode(y=alt.Y("low:Q"), y2="high:Q")
    points = base.mark_point(filled=True, size=50, color=ACCENT, opacity=1).encode(y=fraction)
    return alt.layer(interval, points).properties(title="Exact reconstruction by size", height=PANEL_HEIGHT)


def _by_dimension(rows: pd.DataFrame) -> Panel:
    sorted_kl = rows["kl_nats"].sort_values(ascending=False).round(4)
    table = pd.DataFrame({"rank": range(1, len(rows) + 1), "nats": sorted_kl.to_numpy(), "dimension": sorted_kl.index})
    bars = alt.Chart(table).mark_bar(color=ACCENT, binSpacing=0)
    chart: alt.Chart = bars.encode(
        x=alt.X("rank:O", title="Latent dimensions, in decreasing order", axis=alt.Axis(labels=False, ticks=False)),
        y=alt.Y("nats:Q", title=None),
        tooltip=["dimension:Q", alt.Tooltip("nats:Q", format=".3f")],
    )
    return chart.properties(title="KL divergence by latent dimension, nats", height=PANEL_HEIGHT)


def _by_distance(rows: pd.DataFrame) -> Panel:
    lines = alt.Chart(rows.round(4)).mark_line(color=ACCENT, point=alt.OverlayMarkDef(size=30, color=ACCENT))
    chart: alt.Chart = lines.encode(
        x=alt.X("distance:Q", title="Distance between codes", scale=alt.Scale(zero=False)),
        y=alt.Y("similarity:Q", title=None, scale=alt.Scale(zero=True)),
        tooltip=[
            alt.Tooltip("distance:Q", format=".2f"),
            alt.Tooltip("similarity:Q", format=".3f"),
            alt.Tooltip("n:Q", format=",", title="pairs"),
        ],
    )
    return chart.properties(title="Similarity against distance between codes", height=PANEL_HEIGHT)


def _decoded(decoded: Mapping[str, Mapping[str, Metric]]) -> Panel:
    table = pd.DataFrame(
        {
            "kind": [decoded_title(kind) for kind in decoded],
            "fcd": [round(value_of(measures, "fcd"), 3) for measures in decoded.values()],
            "n": [measures["fcd"].n for measures in decoded.values()],
        }
    ).dropna()
    bars = alt.Chart(table).mark_bar(color=ACCENT)
    chart: alt.Chart = bars.encode(
        x=alt.X("fcd:Q", title="FCD (lower is better)"),
        # Room for the labels in whatever font a browser has; the chart is laid out with another.
        y=alt.Y("kind:N", title=None, sort=table["kind"].tolist(), axis=alt.Axis(labelLimit=260, minExtent=185)),
        tooltip=[
            alt.Tooltip("kind:N", title="codes"),
            alt.Tooltip("fcd:Q", title="FCD"),
            alt.Tooltip("n:Q", format=",", title="molecules"),
        ],
    )
    return chart.properties(title="FCD of decoded codes", height=PANEL_HEIGHT)
