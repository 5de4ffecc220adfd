"""The tables of the report: metrics with their sample sizes, priors side by side, candidates."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from molvae.chem.descriptors import PROPERTIES
from molvae.metrics.metric import Metric
from molvae.metrics.registry import METRICS
from molvae.report.drawings import draw
from molvae.report.numerals import count, percent
from molvae.report.run_data import Optimization, Prior, value_of
from molvae.report.searches import origin_title
from molvae.tables import TERM
from molvae.text import spreadsheet_safe

DECODED_TITLES = {
    "held_out": "Held-out molecules",
    "posterior_means": "Posterior means",
    "posterior_samples": "Posterior samples",
    "midpoints": "Midpoints of random pairs",
    "interpolated": "Interpolation between the same pairs",
    "prior": "Prior samples",
}
"""Titles of the kinds of decoded codes, apart from neighbours."""

SHOWN_PROPERTIES = ("mol_weight", "logp", "tpsa", "qed", "sa_score")
"""Property columns of the candidates that are shown at first; a click shows the others."""


ALERTS_HINT = "Structural alerts (MOSES's MCF and PAINS patterns, and others), or why it fails the MOSES filters."

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


@dataclass(frozen=True)
class Column:
    """A column of the candidates' table.

    Attributes:
        title: Heading.
        hint: Tooltip of the heading.
        kind: `number`, `text` or `drawing`; the table cannot be sorted by drawings.
        secondary: Whether it is hidden at first.
        main: Whether the candidates are ranked by it.
    """

    title: str
    hint: str = ""
    kind: str = "number"
    secondary: bool = False
    main: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell of the candidates' table.

    Attributes:
        text: Displayed text.
        order: Sort key; empty where there is no value.
        smiles: SMILES of the molecule in the cell, if any.
        svg: Drawing of the molecule.
    """

    text: str
    order: str = ""
    smiles: str = ""
    svg: str = ""


@dataclass(frozen=True)
class CandidateTable:
    """The candidates of one objective: the table on the page, and the CSV file to save."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    csv: str


def metric_rows(metrics: Mapping[str, Metric]) -> list[MetricRow]:
    """Return metrics as rows of a table, in their order."""
    return [_metric_row(name, metric) for name, metric in metrics.items()]


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
    return title


def candidate_table(result: Optimization, units: Mapping[str, str] | None = None) -> CandidateTable:
    """Return the table of the candidates of one objective; `units` are those of the measured properties by name."""
    table = result.candidates
    alerts = _alerts(result)
    scored_columns = _scored_columns(result, units or {})
    names = [name for name in table.columns if name.startswith(TERM)]
    terms = {name: 3 if table[name].abs().max() < 10 else 1 for name in names}
    known = [name for name in PROPERTIES if name in table.columns]
    properties = sorted(known, key=lambda name: name not in SHOWN_PROPERTIES)
    columns = (
        Column("Rank"),
        Column("Candidate", kind="drawing"),
        Column("Score", "The objective's score, from 0 to 1.", main=True),
        *(Column(name.removeprefix(TERM), "Raw value of this term of the objective.") for name in terms),
        Column("Nearest training molecule", "By Tanimoto similarity (ECFP4, 1,024 bits).", kind="drawing"),
        Column("Similarity", "Tanimoto similarity (ECFP4, 1,024 bits) to the nearest training molecule."),
        *([Column("Alerts", ALERTS_HINT, kind="text")] if alerts else []),
        *scored_columns.values(),
        *(_property_column(name, f"{TERM}{name}" in terms) for name in properties),
        Column("Origin", "How the search proposed it.", kind="text", secondary=True),
        Column("Oracle call", "The oracle call in which it was scored.", secondary=True),
    )
    if scored_columns and result.scored is not None:
        # The CSV file has these columns too.
        scored = result.scored.molecules.drop_duplicates("smiles")
        table = table.merge(scored[["smiles", *scored_columns]], on="smiles", how="left", validate="many_to_one")
    rows = [_candidate_row(row, terms, scored_columns, properties, alerts) for row in table.to_dict("records")]
    return CandidateTable(columns, tuple(rows), spreadsheet_safe(table).to_csv(index=False, lineterminator="\n"))


def _scored_columns(result: Optimization, units: Mapping[str, str]) -> dict[str, Column]:
    """Return by name the columns to show that the score stage, and not the search, has written."""
    columns = {
        "nearest_train_id": Column(
            "Neighbour's ID", "ID of the nearest training molecule.", kind="text", secondary=True
        ),
        **{
            f"nearest_train_{name}": Column(
                f"Neighbour's {name}, {unit}", "Measured value of the nearest training molecule."
            )
            for name, unit in units.items()
        },
        "known_ring_systems": Column("Rings seen in training", "Fraction of its ring systems that occur in training."),
        "anomaly_percentile": Column(
            "Unusualness (percentile)",
            "Percentile of its anomaly score among held-out molecules; above 99, it lies outside the model's domain.",
        ),
    }
    present = set() if result.scored is None else set(result.scored.molecules.columns)
    return {name: column for name, column in columns.items() if name in present}


def _alerts(result: Optimization) -> dict[str, str]:
    """Return by SMILES why a candidate does not pass the filters; empty if the candidates were not scored."""
    if result.scored is None:
        return {}
    scored = result.scored.molecules
    return {
        smiles: alerts or ("none" if passes else "element, charge or ring")
        for smiles, alerts, passes in zip(scored["smiles"], scored["alerts"], scored["passes_filters"], strict=True)
    }


def _property_column(name: str, is_term: bool) -> Column:
    """Return a property's column, hidden at first if it is a minor one or one of the terms."""
    spec = PROPERTIES[name]
    return Column(spec.title_with_unit, spec.definition, secondary=is_term or name not in SHOWN_PROPERTIES)


def _candidate_row(
    row: Mapping[Hashable, Any],
    terms: Mapping[str, int],
    scored_columns: Mapping[str, Column],
    properties: Sequence[str],
    alerts: Mapping[str, str],
) -> tuple[Cell, ...]:
    smiles, nearest = str(row["smiles"]), str(row["nearest_train_smiles"])
    return (
        _number_cell(row["rank"], 0),
        Cell("", smiles=smiles, svg=draw(smiles)),
        _number_cell(row["score"], 3),
        *(_number_cell(row[name], decimals) for name, decimals in terms.items()),
        Cell("", smiles=nearest, svg=draw(nearest, smiles)),
        _number_cell(row["nearest_train_similarity"], 2),
        *([_text_cell(alerts[smiles])] if alerts else []),
        *(_scored_cell(name, row[name], column.kind == "text") for name, column in scored_columns.items()),
        *(_number_cell(row[name], PROPERTIES[name].decimals) for name in properties),
        _text_cell(origin_title(str(row["origin"]))),
        _number_cell(row["call"], 0),
    )


def _scored_cell(name: str, value: Any, is_text: bool) -> Cell:
    if is_text:
        return _text_cell("" if pd.isna(value) else str(value))
    digits = {"known_ring_systems": 2, "anomaly_percentile": 0}.get(name, 3)
    return _number_cell(float(value), digits)


def _text_cell(text: str) -> Cell:
    return Cell(text, order=text)


def _number_cell(value: float, digits: int) -> Cell:
    return Cell("–") if math.isnan(value) else Cell(f"{value:,.{digits}f}", order=repr(float(value)))


def origins(table: pd.DataFrame) -> list[tuple[str, str, str, str, str]]:
    """Return a row for each origin of molecules: name, calls, best score, mean score, number among the best."""
    return [
        (
            str(row["origin"]),
            count(row["calls"]),
            _number_cell(row["best"], 3).text,
            _number_cell(row["mean"], 3).text,
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
