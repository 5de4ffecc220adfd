"""The tables of the report: figures with their denominators, priors side by side, candidates."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from molvae.chem.descriptors import PROPERTIES
from molvae.report.drawings import draw
from molvae.report.numerals import count, number, percent
from molvae.report.run_data import Measure, Optimization, Prior, value_of

TITLES = {
    "exact_reconstruction": "Exact reconstruction",
    "token_accuracy": "Token accuracy",
    "reconstruction_similarity": "Similarity of the reconstruction",
    "reconstruction_nats": "Reconstruction, nats per molecule",
    "unconditional_nats": "Without a code, nats per molecule",
    "kl_nats": "KL divergence, nats per molecule",
    "active_units": "Active latent dimensions",
    "fcd_prior": "FCD of the prior's samples",
    "value_discrepancy_logp": "Change of logP, of its range",
    "value_discrepancy_qed": "Change of QED, of its range",
    "prior_gap": "FCD of the prior, in times the bound",
    "midpoint_gap": "FCD of midpoints, in times the bound",
    "interpolation_gap": "FCD of interpolation, in times the bound",
    "distance_similarity_correlation": "Correlation of distance and similarity",
    "valid": "Validity",
    "Novelty": "Novelty",
    "Filters": "Passing the filters",
    "IntDiv": "Internal diversity",
    "IntDiv2": "Internal diversity, p = 2",
    "logP": "logP distance",
    "SA": "SA score distance",
    "QED": "QED distance",
    "weight": "Weight distance, Da",
    "validity": "Validity",
    "uniqueness": "Uniqueness",
    "novelty": "Novelty",
    "fcd": "FCD",
    "fcd_score": "FCD score",
    "kl_divergence": "KL score",
    "anomaly": "Nats per token",
    "similarity": "Similarity",
}
"""What a reader calls a measure, where its own name does not do."""

PRIOR_TITLES = {
    "normal": "Standard normal",
    "gaussian_mixture": "Gaussian mixture",
    "flow": "Flow",
    "decoder": "Decoder without a code",
}
"""What a prior is called at the head of a column."""

DECODED_TITLES = {
    "held_out": "The molecules themselves",
    "posterior_means": "Posterior means",
    "posterior_samples": "Posterior samples",
    "midpoints": "Midpoints of random pairs",
    "interpolated": "Between the same pairs, by interpolation",
    "prior": "Samples of the prior",
}
"""What a kind of decoded code is called, but for neighbours."""

SHARES = {
    "exact_reconstruction", "token_accuracy", "valid", "Novelty", "Filters", "validity", "uniqueness", "novelty",
}  # fmt: skip
"""Measures that are read as per cent; so are those that start with `unique@`."""

MAIN_PROPERTIES = ("mol_weight", "logp", "tpsa", "qed", "sa_score")
"""Property columns of the candidates that are shown at once; the others can be shown by a click."""

DECIMALS = {"mol_weight": 1, "logp": 2, "tpsa": 1, "qed": 3, "sa_score": 2, "np_score": 2, "fraction_csp3": 2}
"""Decimals of a property; the others are counts."""


@dataclass(frozen=True)
class MeasureRow:
    """A line of a table of measures: what it is, the figure, over how many, its definition, a warning."""

    title: str
    figure: str
    n: str
    definition: str
    warning: str


@dataclass(frozen=True)
class Column:
    """A column of the candidates' table.

    Attributes:
        title: Its heading.
        hint: A sentence for who points at the heading.
        kind: `number`, `text` or `drawing`; a drawing cannot be sorted by.
        secondary: Whether it is hidden at first.
        main: Whether it is what the candidates are ranked by.
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
        text: What is shown.
        order: What it is sorted by; empty for nothing.
        smiles: Molecule under or beside the text.
        svg: Its drawing.
    """

    text: str
    order: str = ""
    smiles: str = ""
    svg: str = ""


@dataclass(frozen=True)
class CandidateTable:
    """The candidates of one objective, as the page shows them and as a file to save."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    csv: str


def measure_rows(measures: Mapping[str, Measure]) -> list[MeasureRow]:
    """Return measures as lines of a table, in their order."""
    return [
        MeasureRow(
            title=title_of(name),
            figure=figure_of(name, each.value)
            + (f" ({' to '.join(figure_of(name, end) for end in each.interval)})" if each.interval else ""),
            n=count(each.n) + (f" / {count(each.n_reference)}" if each.n_reference is not None else ""),
            definition=each.definition,
            warning=each.warning,
        )
        for name, each in measures.items()
    ]


def title_of(name: str) -> str:
    """Return what a reader calls a measure."""
    if name.startswith("unique@"):
        return f"Uniqueness of the first {count(int(name.partition('@')[2]))}"
    for ending, of in (("/TestSF", "scaffold test"), ("/Test", "test")):
        if name.endswith(ending):
            return f"{name.removesuffix(ending)} to {of}"
    return TITLES.get(name, name.replace("_", " "))


def figure_of(name: str, value: float) -> str:
    """Return a measure's value as people read it."""
    if name in SHARES or name.startswith("unique@"):
        return percent(value)
    return number(value, 2 if abs(value) >= 1 else 3)


def metric_groups(moses: Mapping[str, Measure], guacamol: Mapping[str, Measure]) -> dict[str, list[MeasureRow]]:
    """Return the benchmarks' metrics in groups that belong together; one of MOSES that is in none has a group."""
    groups = {
        "Valid, distinct, new": [name for name in moses if name in ("valid", "Novelty") or name.startswith("unique@")],
        "Like the test molecules": [name for name in moses if name.endswith("/Test")],
        "Like the test molecules with unseen scaffolds": [name for name in moses if name.endswith("/TestSF")],
    }
    grouped = {name for names in groups.values() for name in names}
    groups["Diversity, filters, and distances of properties"] = [name for name in moses if name not in grouped]
    rows = {title: measure_rows({name: moses[name] for name in names}) for title, names in groups.items() if names}
    # Its fcd is no distance but a score, made of one.
    scores = {"fcd_score" if name == "fcd" else name: each for name, each in guacamol.items()}
    return rows | ({"By the GuacaMol benchmark": measure_rows(scores)} if scores else {})


def prior_rows(priors: Sequence[Prior]) -> list[tuple[str, list[str], str]]:
    """Return the priors side by side: a measure's title, its figure for each prior, and its definition."""
    names = list(dict.fromkeys(name for prior in priors for name in prior.measures))
    rows: list[tuple[str, list[str], str]] = []
    for name in names:
        found = [prior.measures.get(name) for prior in priors]
        figures = [f"{figure_of(name, each.value)} of {count(each.n)}" if each else "–" for each in found]
        if name not in SHARES:
            figures = [figure.replace(" of ", " over ") for figure in figures]
        rows.append((title_of(name), figures, next(each.definition for each in found if each)))
    return rows


def decoded_title(name: str) -> str:
    """Return what a kind of decoded code is called."""
    return DECODED_TITLES.get(name, f"Neighbours at radius {name.removeprefix('neighbors_')}")


def decoded_rows(decoded: Mapping[str, Mapping[str, Measure]]) -> tuple[list[tuple[str, str]], list[tuple[str, ...]]]:
    """Return what codes decode to: title and definition of each measure, and for each kind its title and figures."""
    definitions = {name: each.definition for measures in decoded.values() for name, each in measures.items()}
    rows = [
        (decoded_title(kind), *(figure_of(name, value_of(measures, name)) for name in definitions))
        for kind, measures in decoded.items()
    ]
    return [(title_of(name), definition) for name, definition in definitions.items()], rows


def prior_title(prior: Prior) -> str:
    """Return what a prior is called at the head of its column."""
    title = PRIOR_TITLES.get(prior.name, prior.name)
    if prior.min_probability > 0.0:
        title += f", p\u00a0≥\u00a0{prior.min_probability:g}"
    if prior.max_nll is not None:
        title += f", ≤\u00a0{prior.max_nll:.1f}\u00a0nats"
    return title


def candidate_table(result: Optimization, units: Mapping[str, str] | None = None) -> CandidateTable:
    """Return the candidates of one objective with all that is known about each; `units` are of measured properties."""
    table = result.candidates
    alerts = _alerts(result)
    found = _found(result, units or {})
    terms = [name for name in table.columns if name.startswith("term.")]
    known = [name for name in PROPERTIES if name in table.columns]
    properties = sorted(known, key=lambda name: name not in MAIN_PROPERTIES)
    columns = (
        Column("Rank"),
        Column("Candidate", kind="drawing"),
        Column("Score", "The objective's score, from 0 to 1.", main=True),
        *(Column(name.removeprefix("term."), "Raw value of this term of the objective.") for name in terms),
        Column("Nearest training molecule", "By Tanimoto similarity of Morgan fingerprints.", kind="drawing"),
        Column("Similarity", "Tanimoto similarity to the nearest training molecule."),
        *(
            [Column("Alerts", "What the MOSES filters object to: MCF and PAINS patterns, or others.", kind="text")]
            if alerts
            else []
        ),
        *found.values(),
        *(_property_column(name, f"term.{name}" in terms) for name in properties),
        Column("Origin", "How the search proposed it.", kind="text", secondary=True),
        Column("Call", "The oracle call in which it was scored.", secondary=True),
    )
    if found and result.scored is not None:
        # As what is known of a candidate beside what the search wrote of it.
        scored = result.scored.molecules.drop_duplicates("smiles")
        table = table.merge(scored[["smiles", *found]], on="smiles", how="left", validate="many_to_one")
    rows = [_candidate_row(row, terms, found, properties, alerts) for row in table.to_dict("records")]
    return CandidateTable(columns, tuple(rows), table.to_csv(index=False, lineterminator="\n"))


def _found(result: Optimization, units: Mapping[str, str]) -> dict[str, Column]:
    """Return by name the columns of the scored candidates to show that the search does not give."""
    known = {
        "nearest_train_id": Column("Its name", "The nearest training molecule's.", kind="text", secondary=True),
        **{
            f"nearest_train_{name}": Column(f"Its {name}, {unit}", "As measured of the nearest training molecule.")
            for name, unit in units.items()
        },
        "known_ring_systems": Column("Known rings", "Share of its ring systems that training molecules have."),
        "anomaly_percentile": Column(
            "Anomaly",
            "Percentile among held-out molecules of how unlikely the model finds it; above 99, it lies outside what "
            "the model knows.",
        ),
    }
    there = set() if result.scored is None else set(result.scored.molecules.columns)
    return {name: column for name, column in known.items() if name in there}


def _alerts(result: Optimization) -> dict[str, str]:
    """Return by SMILES why a candidate does not pass the filters; nothing if the candidates were not scored."""
    if result.scored is None:
        return {}
    scored = result.scored.molecules
    return {
        smiles: alerts or ("none" if passes else "element, charge or ring")
        for smiles, alerts, passes in zip(scored["smiles"], scored["alerts"], scored["passes_filters"], strict=True)
    }


def _property_column(name: str, is_term: bool) -> Column:
    """Return a property's column, hidden at first if it is a minor one or stands among the terms already."""
    known = PROPERTIES[name]
    title = known.title + (f", {known.unit}" if known.unit else "")
    return Column(title, known.definition, secondary=is_term or name not in MAIN_PROPERTIES)


def _candidate_row(
    row: Mapping[Hashable, Any],
    terms: Sequence[str],
    found: Mapping[str, Column],
    properties: Sequence[str],
    alerts: Mapping[str, str],
) -> tuple[Cell, ...]:
    smiles, nearest = str(row["smiles"]), str(row["nearest_train_smiles"])
    return (
        _number_cell(row["rank"], 0),
        Cell("", smiles=smiles, svg=draw(smiles)),
        _number_cell(row["score"], 3),
        *(_number_cell(row[name], 3 if abs(row[name]) < 10 else 1) for name in terms),
        Cell("", smiles=nearest, svg=draw(nearest, smiles)),
        _number_cell(row["nearest_train_similarity"], 2),
        *([_text_cell(alerts[smiles])] if alerts else []),
        *(_found_cell(name, row[name], column.kind == "text") for name, column in found.items()),
        *(_number_cell(row[name], DECIMALS.get(name, 0)) for name in properties),
        _text_cell(str(row["origin"])),
        _number_cell(row["call"], 0),
    )


def _found_cell(name: str, value: Any, is_text: bool) -> Cell:
    if is_text:
        return _text_cell("" if pd.isna(value) else str(value))
    digits = {"known_ring_systems": 2, "anomaly_percentile": 0}.get(name, 3)
    return _number_cell(float(value), digits)


def _text_cell(text: str) -> Cell:
    return Cell(text, order=text)


def _number_cell(value: float, digits: int) -> Cell:
    return Cell("–") if math.isnan(value) else Cell(f"{value:,.{digits}f}", order=repr(float(value)))


def origins(table: pd.DataFrame) -> list[tuple[str, str, str, str, str]]:
    """Return the outcome of each way to propose molecules as lines: name, calls, best, mean, share of the best."""
    return [
        (
            str(row["origin"]),
            count(row["calls"]),
            number(row["best"], 3),
            number(row["mean"], 3),
            count(row["among_best"]),
        )
        for row in table.to_dict("records")
    ]


def leakage_rows(leakage: Mapping[str, Mapping[str, float]]) -> list[tuple[str, ...]]:
    """Return for each held-out split its name, molecules looked at, and how similar the nearest training one is."""
    return [
        (
            split,
            count(each["n"]),
            count(each["n_train"]),
            f"{each['median']:.2f}",
            f"{each['maximum']:.2f}",
            percent(each["close"]),
        )
        for split, each in leakage.items()
    ]


def property_rows(properties: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return for each measured property its name, unit, molecules that have it, and lowest, mean and highest value."""
    return [
        (
            name,
            str(each["unit"]),
            count(each["n"]),
            *("" if each[key] is None else f"{each[key]:.4g}" for key in ("minimum", "mean", "maximum")),
        )
        for name, each in properties.items()
    ]
