"""The tables of the report: metrics with their sample sizes, priors side by side, candidates."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from molvae.metrics.metric import Metric
from molvae.metrics.registry import METRICS
from molvae.report.numerals import count, decimals_for, number, percent
from molvae.report.run_data import Prior, value_of

DECODED_TITLES = {
    "held_out": "Held-out molecules",
    "posterior_means": "Posterior means",
    "posterior_samples": "Posterior samples",
    "midpoints": "Midpoints of random pairs",
    "interpolated": "Interpolated, same pairs",
    "prior": "Prior samples",
}
"""Titles of the kinds of decoded codes, apart from neighbours."""

OTHER_METRICS = "Other metrics"
"""Group of the metrics of generated molecules that the registry does not know."""


@dataclass(frozen=True)
class MetricRow:
    """A row of a table of metrics: title, value, sample size, definition, and a warning or nothing."""

    title: str
    value: str
    n: str
    definition: str
    warning: str


def metric_rows(metrics: Mapping[str, Metric]) -> list[MetricRow]:
    """Return metrics as rows of a table, in their order."""
    return [_metric_row(name, metric) for name, metric in metrics.items()]


def head_rows(property_head: Mapping[str, Mapping[str, Metric]]) -> list[MetricRow]:
    """Return the metrics of the property head as rows of a table, by property and split."""
    rows = []
    for name, metrics in property_head.items():
        for key, metric in metrics.items():
            measure, _, split = key.removeprefix("baseline_").upper().replace("R2", "R²").partition("_")
            whose = "without codes" if key.startswith("baseline_") else "property head"
            unit = f", {metric.unit}" if metric.unit else ""
            title = f"{measure} of {name}{unit}, {split.lower()}, {whose}"
            value = "–" if math.isnan(metric.value) else f"{metric.value:,.{decimals_for([metric.value], 3)}f}"
            rows.append(MetricRow(title, value, count(metric.n), definition_text(metric), metric.warning or ""))
    return rows


def _metric_row(name: str, metric: Metric) -> MetricRow:
    value = value_text(name, metric, metric.value)
    if metric.interval is not None:
        low, high = (value_text(name, metric, end) for end in metric.interval)
        value += f" ({low} to {high})"
    n = count(metric.n)
    if metric.n_reference is not None:
        n += f" / {count(metric.n_reference)}"
    return MetricRow(metric_title(name, metric), value, n, definition_text(metric), metric.warning or "")


def metric_title(name: str, metric: Metric) -> str:
    """Return the title of a metric with its unit; one that the registry does not know has its name as title."""
    title = METRICS[name].title if name in METRICS else name
    return title if metric.unit in ("", "fraction") else f"{title}, {metric.unit}"


def definition_text(metric: Metric) -> str:
    """Return the definition of a metric, and which values are better."""
    return f"{metric.definition} {metric.better.capitalize()} is better." if metric.better else metric.definition


def value_text(name: str, metric: Metric, value: float, decimals: int = 3) -> str:
    """Return a value of a metric: a fraction as a percentage, a count as it is, all others with the same decimals."""
    if metric.unit == "fraction":
        return percent(value)
    if math.isnan(value):
        return "–"
    is_count = name in METRICS and METRICS[name].is_count
    return f"{value:,.{0 if is_count else decimals}f}"


def metric_groups(metrics: Mapping[str, Metric]) -> dict[str, list[MetricRow]]:
    """Return the metrics of generated molecules as rows of a table, by the groups of the registry and in its order."""
    titles = dict.fromkeys([*(spec.group for spec in METRICS.values() if spec.group), OTHER_METRICS])
    groups: dict[str, list[MetricRow]] = {title: [] for title in titles}
    for name, metric in metrics.items():
        group = METRICS[name].group if name in METRICS else ""
        groups[group or OTHER_METRICS].append(_metric_row(name, metric))
    return {title: rows for title, rows in groups.items() if rows}


def prior_rows(priors: Sequence[Prior]) -> list[tuple[str, list[str], str]]:
    """Return the priors side by side: the title of a metric, its value for each prior, and its definition."""
    of_all = {name: metric for prior in reversed(priors) for name, metric in prior.metrics.items()}
    names = dict.fromkeys(name for prior in priors for name in prior.metrics)
    return [
        (
            metric_title(name, of_all[name]),
            [_value_and_size(name, prior.metrics.get(name)) for prior in priors],
            definition_text(of_all[name]),
        )
        for name in names
    ]


def _value_and_size(name: str, metric: Metric | None) -> str:
    if metric is None:
        return "–"
    return f"{value_text(name, metric, metric.value, 2)} (n\u00a0=\u00a0{count(metric.n)})"


def decoded_title(kind: str) -> str:
    """Return the title of a kind of decoded codes."""
    return DECODED_TITLES.get(kind, f"Neighbours at radius {kind.removeprefix('neighbors_')}")


def decoded_rows(decoded: Mapping[str, Mapping[str, Metric]]) -> tuple[list[tuple[str, str]], list[tuple[str, ...]]]:
    """Return title and definition of each metric of decoded codes, and title and values for each kind of code."""
    of_all = {name: metric for metrics in decoded.values() for name, metric in metrics.items()}
    rows = [
        (
            decoded_title(kind),
            *(value_text(name, metric, value_of(metrics, name), 2) for name, metric in of_all.items()),
        )
        for kind, metrics in decoded.items()
    ]
    return [(metric_title(name, metric), definition_text(metric)) for name, metric in of_all.items()], rows


def prior_title(prior: Prior) -> str:
    """Return the heading of a prior's column, with the bounds on its samples."""
    title = prior.title
    if prior.min_probability > 0.0:
        title += f", p\u00a0≥\u00a0{prior.min_probability:g}"
    if prior.max_nll is not None:
        title += f", ≤\u00a0{prior.max_nll:.1f}\u00a0nats"
    if prior.correction:
        title += f", correction {prior.correction:g}"
    return title


def origins(table: pd.DataFrame) -> list[tuple[str, str, str, str, str]]:
    """Return a row for each origin of molecules: name, calls, best score, mean score, number among the best."""
    return [
        (
            str(row["origin"]),
            count(row["calls"]),
            number(float(row["best"]), 3),
            number(float(row["mean"]), 3),
            count(row["among_best"]),
        )
        for row in table.to_dict("records")
    ]


def constraints(counts: Mapping[str, Mapping[str, int]]) -> list[tuple[str, str, str]]:
    """Return a row for each constraint, the strictest first: name, molecules that violate it, and only it."""
    ranked = sorted(counts.items(), key=lambda item: -item[1]["violated"])
    return [(name, count(rejected["violated"]), count(rejected["alone"])) for name, rejected in ranked]


def leakage_rows(leakage: Mapping[str, Mapping[str, float]]) -> list[tuple[str, ...]]:
    """Return a row for each held-out split: name, sample sizes, similarity to the nearest training molecules."""
    return [
        (
            split,
            count(similarity["n"]),
            count(similarity["n_train"]),
            f"{similarity['median']:.2f}",
            f"{similarity['maximum']:.2f}",
            percent(similarity["close"]),
        )
        for split, similarity in leakage.items()
    ]


def property_rows(properties: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return a row for each measured property: name, unit, number of molecules, lowest, mean and highest value."""
    return [
        (
            name,
            str(values["unit"]),
            count(values["n"]),
            *("" if values[key] is None else f"{values[key]:.4g}" for key in ("minimum", "mean", "maximum")),
        )
        for name, values in properties.items()
    ]
