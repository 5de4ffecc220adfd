"""The charts of the report, drawn by Vega-Lite when the page is made, so that the page shows them without a script."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.chem.descriptors import PROPERTIES
from molvae.report.best import N_BEST, best_scores, k_best, n_training_best, training_top
from molvae.report.inline_svg import Drawing, inline
from molvae.report.numerals import count, listed, number, percent
from molvae.report.run_data import Optimization, Search
from molvae.report.searches import best_so_far

# Figures are drawn here, and thinned where that is wanted: the limit is that of notebooks.
alt.data_transformers.disable_max_rows()

VEGALITE = alt.SCHEMA_VERSION.rpartition(".")[0]
"""The release of Vega-Lite that the specifications are for."""

ACCENT = "#0f62a6"
ACCENT_LIGHT = "#7fb2dd"
REFERENCE = "#6b7785"
FAINT = "#b3bcc6"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

LOCALE = {"number": {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["", ""], "percent": "\u00a0%"}}
"""Numbers as in the text: `10,000` and `73.8 %`."""

PANEL_HEIGHT = 190
"""Height of a small panel, in pixels."""

WIDTHS = {1: 760, 2: 400, 3: 290}
"""Width of a panel by the number of panels side by side, in pixels."""

CHARTED = ("mol_weight", "logp", "tpsa", "qed", "sa_score", "heavy_atoms", "rings", "rotatable_bonds", "fraction_csp3")
"""Properties whose distributions are shown."""

MAX_BINS = 36
"""Maximum number of bins of a distribution."""


Panel: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart


@dataclass(frozen=True)
class Figure:
    """One figure of the report.

    Attributes:
        name: Its name as a file.
        title: A few words.
        caption: What is shown, and for how many molecules.
        panels: Its charts, side by side.
        legend: Labels and colours common to all panels, for one legend above them.
        good: What a good result looks like, in a sentence.
        finding: What this run shows, in a sentence with its numbers.
    """

    name: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
    legend: tuple[tuple[str, str], ...] = ()
    good: str = ""
    finding: str = ""

    def specifications(self) -> list[dict[str, Any]]:
        """Return each panel as a Vega-Lite specification."""
        width = WIDTHS[min(len(self.panels), 3)]
        return [_styled(panel.properties(width=width), bool(self.legend)).to_dict() for panel in self.panels]

    def drawings(self) -> list[Drawing]:
        """Return each panel as a drawing for the page."""
        import vl_convert

        svgs = [vl_convert.vegalite_to_svg(panel, vl_version=VEGALITE) for panel in self.specifications()]
        titles = [str(panel.to_dict().get("title", self.title)) for panel in self.panels]
        return [
            inline(svg, title, f"{self.name}-{place}")
            for place, (svg, title) in enumerate(zip(svgs, titles, strict=True))
        ]

    def svg(self) -> str:
        """Return the figure as one SVG, its panels in rows of two or three."""
        import vl_convert

        columns = 2 if len(self.panels) in (2, 4) else 3
        whole = alt.concat(*(panel.properties(width=280) for panel in self.panels), columns=columns)
        return str(vl_convert.vegalite_to_svg(_styled(whole).to_dict(), vl_version=VEGALITE))


def training(history: pd.DataFrame) -> Figure:
    """Plot the terms of the loss against the epoch, for training and validation, and the weight of the KL term."""
    terms = {
        "reconstruction": "Reconstruction, nats per molecule",
        "kl": "KL divergence, nats per molecule",
        "unconditional": "Unconditional, nats per molecule",
    }
    best = history.iloc[int(history["validation_loss"].argmin())]
    kept = (
        alt.Chart(pd.DataFrame({"epoch": [best["epoch"]]}))
        .mark_rule(color=ACCENT, strokeDash=[3, 3])
        .encode(x=_epochs(), tooltip=alt.Tooltip("epoch:Q", title="kept epoch"))
    )
    panels: list[Panel] = [
        alt.layer(kept, _learning_curve(history, term)).properties(title=title, height=PANEL_HEIGHT)
        for term, title in terms.items()
    ]
    weight = alt.Chart(history[["epoch", "kl_weight"]]).mark_line(color=REFERENCE, interpolate="step-after")
    panels.append(
        weight.encode(
            x=_epochs(),
            y=alt.Y("kl_weight:Q", title=None, scale=alt.Scale(zero=True)),
            tooltip=["epoch:Q", alt.Tooltip("kl_weight:Q", format=".4f", title="KL weight")],
        ).properties(title="Weight of the KL term", height=PANEL_HEIGHT)
    )
    return Figure(
        "training",
        "Training curves",
        "Terms of the loss by epoch. “Reconstruction” is the negative log-likelihood of a molecule given its latent "
        "code. “Unconditional” is its negative log-likelihood under the unconditional decoder, which falls as the "
        "model learns what molecules look like in general. “KL divergence” bounds the information that the codes "
        "carry. The dashed line is the epoch whose weights were kept.",
        tuple(panels),
        good="Both curves fall and level off close together; a validation curve that rises while the training curve "
        "falls is overfitting.",
        finding=_training_finding(history, best),
    )


def _training_finding(history: pd.DataFrame, best: pd.Series) -> str:
    train, validation = best["train_unconditional_nats"], best["validation_unconditional_nats"]
    text = f"Epoch {count(best['epoch'])} of {count(history['epoch'].max())} was kept."
    if not train > 0.0:
        return text
    return (
        f"{text} There a validation molecule has an unconditional negative log-likelihood of {number(validation, 1)} "
        f"nats and a training molecule {number(train, 1)}, a difference of {percent(abs(validation / train - 1))}."
    )


def _epochs() -> alt.X:
    return alt.X(
        "epoch:Q", title="Epoch", axis=alt.Axis(tickMinStep=1, format="d"), scale=alt.Scale(nice=False, zero=False)
    )


def _learning_curve(history: pd.DataFrame, term: str) -> alt.Chart:
    table = pd.concat(
        pd.DataFrame({"epoch": history["epoch"], "split": split, "nats": history[f"{split}_{term}_nats"]})
        for split in ("train", "validation")
    )
    colours = alt.Scale(domain=["train", "validation"], range=[REFERENCE, ACCENT])
    lines: alt.Chart = alt.Chart(table).mark_line(point=alt.OverlayMarkDef(size=18))
    return lines.encode(
        x=_epochs(),
        y=alt.Y("nats:Q", title=None, scale=alt.Scale(zero=False)),
        color=alt.Color("split:N", scale=colours, title=None),
        tooltip=["split:N", "epoch:Q", alt.Tooltip("nats:Q", format=".2f")],
    )


def properties(samples: Mapping[str, pd.DataFrame]) -> Figure:
    """Plot the distribution of each property in several sets of molecules, one panel for each property.

    Args:
        samples: Tables of properties by the name of their set; the last is the set of interest, the others are
            references.
    """
    panels = [_distribution(samples, name) for name in CHARTED]
    sizes = listed([f"{len(table):,} {title}" for title, table in reversed(list(samples.items()))])
    return Figure(
        "properties",
        "Property distributions",
        f"Fraction of the molecules in each bin, for {sizes}. The lowest and the highest 0.5\u00a0% of the values are "
        "not shown.",
        tuple(panels),
        tuple(_colours(list(samples)).items()),
        good="The samples have the distribution of the training molecules, unless another one was asked for.",
        finding=_shifts(samples),
    )


def _shifts(samples: Mapping[str, pd.DataFrame]) -> str:
    """Name the two properties whose medians differ most from those of the reference, in its interquartile ranges."""
    *references, interest = samples
    if not references or samples[interest].empty or samples[references[-1]].empty:
        return ""
    reference = samples[references[-1]]
    spreads = {name: reference[name].quantile(0.75) - reference[name].quantile(0.25) for name in CHARTED}
    medians = {name: (samples[interest][name].median(), reference[name].median()) for name in CHARTED}
    shifts = {name: abs(a - b) / spreads[name] for name, (a, b) in medians.items() if spreads[name] > 0.0}
    largest = sorted(shifts, key=lambda name: -shifts[name])[:2]
    parts = [
        f"{PROPERTIES[name].title_with_unit} ({number(medians[name][0], PROPERTIES[name].decimals)} against "
        f"{number(medians[name][1], PROPERTIES[name].decimals)})"
        for name in largest
    ]
    return f"The medians of {interest} and {references[-1]} differ most in {listed(parts)}." if parts else ""


def _distribution(samples: Mapping[str, pd.DataFrame], name: str) -> Panel:
    prop = PROPERTIES[name]
    pooled = np.concatenate([table[name].dropna().to_numpy() for table in samples.values()])
    edges, whole = _edges(pooled, min(len(table) for table in samples.values()))
    histograms = []
    for title, table in samples.items():
        counts, _ = np.histogram(table[name].dropna(), bins=edges)
        fractions = np.append(counts, 0) / max(len(table), 1)
        histograms.append(pd.DataFrame({"set": title, "value": edges.round(4), "fraction": fractions.round(5)}))
    colours = _colours(list(samples))
    *_, interest = samples
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    axis = alt.Axis(values=_whole_ticks(edges), format="d") if whole else alt.Axis(tickCount=6)
    base = alt.Chart(pd.concat(histograms)).encode(
        x=alt.X("value:Q", title=None, scale=alt.Scale(nice=False, zero=False), axis=axis),
        y=alt.Y("fraction:Q", title=None, axis=alt.Axis(format="%", tickCount=4), stack=None),
        color=alt.Color("set:N", scale=scale, title=None),
    )
    area = base.transform_filter(alt.datum.set == interest).mark_area(opacity=0.18, interpolate="step-after")
    area = area.encode(color=alt.value(ACCENT))
    line = base.mark_line(strokeWidth=1.6, interpolate="step-after")
    return alt.layer(area, line).properties(title=prop.title_with_unit, height=150)


def _colours(sets: list[str]) -> dict[str, str]:
    """Return a colour for each set of molecules: the accent for the last, greys for the references."""
    *references, interest = sets
    return {interest: ACCENT, **dict(zip(references, [REFERENCE, FAINT], strict=False))}


def _whole_ticks(edges: NDArray[np.float64]) -> list[int]:
    """Return at most nine whole numbers between the edges, evenly spaced."""
    first, last = int(np.ceil(edges[0])), int(np.floor(edges[-1]))
    return list(range(first, last + 1, max(1, -(-(last - first) // 8))))


def _edges(values: NDArray[np.float64], n_smallest: int) -> tuple[NDArray[np.float64], bool]:
    """Return the edges of the bins, and whether each bin holds one whole number.

    Other bins are evenly spaced, and as many as Rice's rule (twice the cube root) gives for the smallest set.
    """
    low, high = np.quantile(values, [0.005, 0.995]) if values.size else (0.0, 1.0)
    if values.size and np.array_equal(values, values.round()) and high - low <= MAX_BINS:
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1.0), True
    n_bins = int(np.clip(2 * np.cbrt(n_smallest), 6, MAX_BINS))
    return np.linspace(low, high if high > low else low + 1.0, n_bins + 1), False


def optimization(result: Optimization) -> Figure:
    """Plot the best scores against the oracle calls, with the random search and the training molecules to compare."""
    band = _start_band(result.search)
    shaded = "Shaded: the molecules that the search started from. " if band else ""
    layers = [*band, *_training_levels(result.search), _best_curves(result)]
    curves = alt.layer(*layers).properties(title="Best scores against oracle calls", height=320)
    return Figure(
        f"optimization_{result.objective}",
        "Progress of the search",
        "Best score and mean of the ten best scores so far, over the molecules that satisfy the constraints. "
        f"{shaded}Dashed: the best of the whole training set.",
        (curves,),
        good="The curves rise above the dashed lines of the training set and above that of random sampling.",
        finding=best_scores(result),
    )


def _best_curves(result: Optimization) -> alt.Chart:
    curves = {"ten best": (result.search, 10, ACCENT), "best": (result.search, 1, ACCENT_LIGHT)}
    if result.baseline is not None:
        curves["random sampling: ten best"] = (result.baseline, 10, REFERENCE)
    for seed, search in result.further.items():
        curves[f"seed {seed}: ten best"] = (search, 10, FAINT)
    table = pd.concat([curve(search.trace, top, label) for label, (search, top, _) in curves.items()])
    drawn = [label for label in curves if label in set(table["curve"])]
    colours = alt.Scale(domain=drawn, range=[curves[label][2] for label in drawn])
    lines = alt.Chart(table).mark_line(interpolate="step-after", strokeWidth=2)
    chart: alt.Chart = lines.encode(
        x=alt.X("call:Q", title="Oracle calls", scale=alt.Scale(nice=False), axis=alt.Axis(tickCount=8)),
        y=alt.Y("score:Q", title="Score", scale=alt.Scale(zero=False)),
        color=alt.Color("curve:N", title=None, scale=colours),
        tooltip=[
            "curve:N",
            alt.Tooltip("call:Q", format=",", title="oracle calls"),
            alt.Tooltip("score:Q", format=".4f"),
        ],
    )
    return chart


def curve(trace: pd.DataFrame, top: int, label: str) -> pd.DataFrame:
    """Return the steps of the mean of the `top` best scores so far: the calls at which it changes, and the last."""
    table = pd.DataFrame({"call": trace["call"], "score": best_so_far(trace, top), "curve": label})
    defined = table.dropna()
    is_step = defined["score"].diff().ne(0.0) | (defined["call"] == defined["call"].max())
    steps: pd.DataFrame = defined[is_step].round({"score": 5})
    return steps


def _start_band(search: Search) -> list[alt.Chart]:
    """Shade the calls that were spent on training molecules."""
    n_start = int((search.trace["origin"] == "start").sum())
    table = pd.DataFrame({"from": [0], "to": [n_start], "label": ["training molecules"]})
    band = alt.Chart(table).mark_rect(color=FAINT, opacity=0.22)
    return [band.encode(x="from:Q", x2="to:Q", tooltip=alt.Tooltip("label:N", title="scored first"))] if n_start else []


def _training_levels(search: Search) -> list[alt.Chart]:
    """Plot the best scores of the training set as labelled dashed lines."""
    tops = dict.fromkeys((1, min(N_BEST, n_training_best(search)))) if n_training_best(search) else {}
    means = {f"training set: {k_best(top)}": training_top(search, top) for top in tops}
    levels = [(label, round(mean, 5)) for label, mean in means.items() if mean is not None]
    if not levels:
        return []
    level = alt.Chart(pd.DataFrame(levels, columns=["label", "score"])).encode(y="score:Q")
    rule = level.mark_rule(color=REFERENCE, strokeDash=[5, 4]).encode(
        tooltip=[alt.Tooltip("label:N", title="level"), "score:Q"]
    )
    # The first label is above its line, the second below its own, because the two may lie close together.
    texts = [
        level.transform_filter(alt.datum.label == label)
        .mark_text(align="right", dy=dy, color=REFERENCE, fontSize=11)
        .encode(x=alt.value("width"), text="label:N")
        for (label, _), dy in zip(levels, (-6, 12), strict=False)
    ]
    return [rule, *texts]


def evenly(table: pd.DataFrame, max_rows: int) -> pd.DataFrame:
    """Return at most `max_rows` rows of a table, evenly spaced, the first and the last among them."""
    if len(table) <= max_rows:
        return table
    return table.iloc[np.linspace(0, len(table) - 1, max_rows).round().astype(int)]


def _styled(chart: Any, own_legend: bool = False) -> Any:
    """Give a chart the look of the page; without its legend where the page has one over several panels."""
    return (
        chart.configure(font=FONT, background="transparent", padding=4, locale=LOCALE)
        .configure_view(stroke=None)
        .configure_axis(
            domainColor="#c5ccd4",
            gridColor="#eaeef2",
            labelColor="#54606c",
            labelFontSize=11,
            tickColor="#c5ccd4",
            titleColor="#54606c",
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=8,
        )
        .configure_title(anchor="start", color="#1c2633", fontSize=13, fontWeight=600, offset=10)
        .configure_legend(
            disable=own_legend,
            orient="top",
            labelColor="#1c2633",
            labelFontSize=12,
            labelLimit=240,
            symbolType="stroke",
            symbolStrokeWidth=3,
        )
    )
