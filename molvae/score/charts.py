"""Figures of a scored set, as SVG files for a report or a slide."""

from collections import Counter
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd

from molvae.chem.descriptors import PROPERTIES
from molvae.folders import replacing_files
from molvae.score.statistics import MAIN_PROPERTIES, ReferenceStatistics

GENERATED, TEST = "#0f62a6", "#6b7785"
BINS = 40
MAX_BARS = 20
MAX_LABEL = 60
WIDTH = 260


def write_charts(folder: Path, valid: pd.DataFrame, test: ReferenceStatistics) -> None:
    """Write `properties.svg`, `similarity.svg`, `scaffolds.svg` and `alerts.svg`, together or none.

    Args:
        folder: The folder to write.
        valid: The rows of the table whose molecules are valid; where there are none, the charts are empty.
        test: The test set.
    """
    charts: dict[str, alt.Chart | alt.LayerChart | alt.ConcatChart] = {
        "properties": alt.concat(*(_property_chart(name, valid, test) for name in MAIN_PROPERTIES), columns=3),
        "similarity": _similarity_chart(valid),
        "scaffolds": _bars(
            Counter(valid["scaffold"].dropna()[valid["scaffold"] != ""]), "Commonest scaffolds", "molecules"
        ),
        "alerts": _bars(
            Counter(name for names in valid["alerts"].dropna() for name in str(names).split("; ") if name),
            "Commonest structural alerts",
            "molecules",
        ),
    }
    with replacing_files(folder, [f"{name}.svg" for name in charts]) as temporary:
        for name, chart in charts.items():
            chart.configure_view(stroke=None).save(temporary / f"{name}.svg")


def _property_chart(name: str, valid: pd.DataFrame, test: ReferenceStatistics) -> alt.Chart:
    known = PROPERTIES[name]
    title = known.title + (f", {known.unit}" if known.unit else "")
    values = {"generated": valid[name].dropna().to_numpy(), "test": test.properties[name]}
    values = {what: each[~np.isnan(each)] for what, each in values.items()}
    both = np.concatenate(list(values.values()))
    edges = np.histogram_bin_edges(both, bins=BINS) if len(both) else np.array([0.0, 1.0])
    rows = [
        {"at": (left + right) / 2, "share": share, "molecules": what}
        for what, each in values.items()
        for left, right, share in zip(
            edges[:-1], edges[1:], np.histogram(each, bins=edges)[0] / max(len(each), 1), strict=True
        )
    ]
    chart: alt.Chart = (
        alt.Chart(pd.DataFrame(rows), title=title, width=WIDTH, height=140)
        .mark_line(interpolate="step")
        .encode(
            x=alt.X("at:Q", title=None, scale=alt.Scale(zero=False)),
            y=alt.Y("share:Q", title="share", axis=alt.Axis(format="%")),
            color=alt.Color("molecules:N", scale=alt.Scale(domain=["generated", "test"], range=[GENERATED, TEST])),
        )
    )
    return chart


def _similarity_chart(valid: pd.DataFrame) -> alt.Chart:
    counts, edges = np.histogram(valid["nearest_train_similarity"].dropna(), bins=BINS, range=(0.0, 1.0))
    table = pd.DataFrame({"from": edges[:-1], "to": edges[1:], "molecules": counts})
    chart: alt.Chart = (
        alt.Chart(table, title="Similarity to the nearest training molecule", width=2 * WIDTH, height=200)
        .mark_bar(color=GENERATED)
        .encode(x=alt.X("from:Q", bin="binned", title="Tanimoto similarity"), x2="to:Q", y="molecules:Q")
    )
    return chart


def _bars(counts: Counter[str], title: str, what: str) -> alt.Chart:
    # The commonest first, equal ones by name.
    chosen = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_BARS]
    labels = [name if len(name) <= MAX_LABEL else name[: MAX_LABEL - 1] + "…" for name, _ in chosen]
    table = pd.DataFrame({"name": labels, "n": [n for _, n in chosen]}).astype({"name": "str", "n": "int64"})
    chart: alt.Chart = (
        alt.Chart(table, title=title, width=2 * WIDTH)
        .mark_bar(color=GENERATED)
        .encode(
            x=alt.X("n:Q", title=what),
            y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=400)),
        )
    )
    return chart
