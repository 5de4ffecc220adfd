"""Figures of generated molecules, as SVG files for a report or a slide."""

from collections import Counter
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd

from molvae.chem.descriptors import PROPERTIES
from molvae.folders import replacing_files
from molvae.metrics.reference import MAIN_PROPERTIES, ReferenceStatistics
from molvae.metrics.sets import fraction

GENERATED, TEST = "#0f62a6", "#6b7785"
BINS = 40
MAX_BARS = 20
MAX_LABEL = 60
# Of the label alone: two long names may begin alike.
_SHORT = f"length(datum.label) > {MAX_LABEL} ? slice(datum.label, 0, {MAX_LABEL - 1}) + '…' : datum.label"
WIDTH = 260


def write_charts(folder: Path, valid: pd.DataFrame, test: ReferenceStatistics) -> None:
    """Write `properties.svg`, `similarity.svg`, `scaffolds.svg` and `alerts.svg`, all of them or none.

    Args:
        folder: The folder to write.
        valid: The rows of the table whose molecules are valid; where there are none, the figures are empty.
        test: Statistics of the test set.
    """
    charts: dict[str, alt.Chart | alt.LayerChart | alt.ConcatChart] = {
        "properties": alt.concat(*(_property_chart(name, valid, test) for name in MAIN_PROPERTIES), columns=3),
        "similarity": _similarity_chart(valid),
        "scaffolds": _bars(
            Counter(valid["scaffold"].dropna()[valid["scaffold"] != ""]), "Most frequent scaffolds", "molecules"
        ),
        "alerts": _bars(
            Counter(name for names in valid["alerts"].dropna() for name in str(names).split("; ") if name),
            "Most frequent structural alerts",
            "molecules",
        ),
    }
    with replacing_files(folder, [f"{name}.svg" for name in charts]) as temporary:
        for name, chart in charts.items():
            chart.configure_view(stroke=None).save(temporary / f"{name}.svg")


def _property_chart(name: str, valid: pd.DataFrame, test: ReferenceStatistics) -> alt.Chart:
    spec = PROPERTIES[name]
    values = {"generated": valid[name].dropna().to_numpy(), "test": test.properties[name]}
    values = {what: of_set[~np.isnan(of_set)] for what, of_set in values.items()}
    both = np.concatenate(list(values.values()))
    edges = np.histogram_bin_edges(both, bins=BINS) if len(both) else np.array([0.0, 1.0])
    rows = [
        {"value": (left + right) / 2, "fraction": fraction(count, len(of_set)), "molecules": what}
        for what, of_set in values.items()
        for left, right, count in zip(edges[:-1], edges[1:], np.histogram(of_set, bins=edges)[0], strict=True)
    ]
    chart: alt.Chart = (
        alt.Chart(pd.DataFrame(rows), title=spec.title_with_unit, width=WIDTH, height=140)
        .mark_line(interpolate="step")
        .encode(
            x=alt.X("value:Q", title=None, scale=alt.Scale(zero=False)),
            y=alt.Y("fraction:Q", title="fraction", axis=alt.Axis(format="%")),
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
    # The most frequent first, ties by name.
    chosen = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_BARS]
    table = pd.DataFrame({"name": [name for name, _ in chosen], "n": [n for _, n in chosen]}).astype(
        {"name": "str", "n": "int64"}
    )
    chart: alt.Chart = (
        alt.Chart(table, title=title, width=2 * WIDTH)
        .mark_bar(color=GENERATED)
        .encode(
            x=alt.X("n:Q", title=what),
            y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=400, labelExpr=_SHORT)),
        )
    )
    return chart
