"""The table of the candidates as the page's script takes it: columns, values, sketches and substructures."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from molvae.chem.descriptors import PROPERTIES
from molvae.report.candidate_set import CandidateSet
from molvae.report.predictions import scored_end
from molvae.report.searches import origin_title
from molvae.report.sketches import sketch
from molvae.report.substructures import functional_groups, ring_systems_of
from molvae.tables import CONSTRAINT, DESIRABILITY, HIGH, LOW, NEAREST_VALUE, PREDICTED, TARGET_MET, TERM

SHOWN_PROPERTIES = ("mol_weight", "logp", "tpsa", "qed", "sa_score")
"""Property columns that are shown at first; a tick shows the others."""
FINGERPRINTS = {"ECFP4": "ECFP4 counts", "ECFP4_bits": "ECFP4, 2,048 bits"}
"""What a reader calls the fingerprints of similarity terms."""

_NOT_EXPORTED = {"canonical_smiles", "valid", "problem", "novel", "n_alerts", "outside_domain"}
_SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        key: Name of the field that it shows.
        title: Heading.
        note: A few words below the heading.
        hint: Definition.
        kind: `number`, `text` or `molecule`.
        decimals: Decimals of a number.
        shown: Whether it is shown at first.
        desirability: Field of the desirability that is drawn as a bar; empty for none.
    """

    key: str
    title: str
    note: str = ""
    hint: str = ""
    kind: str = "number"
    decimals: int = 0
    shown: bool = True
    desirability: str = ""


def table_content(candidates: CandidateSet, name: str, units: Mapping[str, str]) -> dict[str, Any]:
    """Return the table as plain values for the page's script.

    Args:
        candidates: The candidates.
        name: Name of the objective, and of the files that are saved.
        units: Units of the measured properties by name.

    Returns:
        `columns`, `fields` (names of the values of a row, those of a CSV file), `rows`, `sketches` and `nearest`
        (sketches of the candidates and of their nearest training molecules), `substructures` by group, the number
        of `targets`, and by which column the table is `sorted` at first.
    """
    table, same = _exported(candidates.table)
    smiles = table["smiles"].astype(str).tolist()
    nearest = table["nearest_train_smiles"].astype(str).tolist()
    groups = {"Functional groups": functional_groups(smiles), "Ring systems": ring_systems_of(smiles)}
    return {
        "name": name,
        "targets": len(candidates.terms),
        "sorted": "rank" if candidates.is_pareto else "score",
        "columns": [asdict(column) for column in columns(candidates, units, same) if column.key in table],
        "fields": table.columns.tolist(),
        "rows": [[_plain(value) for value in row] for row in table.itertuples(index=False, name=None)],
        "sketches": [sketch(text) for text in smiles],
        "nearest": [sketch(text) for text in nearest],
        "substructures": {title: [asdict(found) for found in group] for title, group in groups.items() if group},
    }


def columns(candidates: CandidateSet, units: Mapping[str, str], same: Mapping[str, str]) -> list[Column]:
    """Return the columns of the table in order; `same` names the fields that stand for others of the same values."""
    n_terms = len(candidates.terms)
    terms = [column for term in candidates.terms for column in _term_columns(candidates, term, same)]
    taken = {column.key for column in terms}
    properties = sorted(PROPERTIES, key=lambda name: name not in SHOWN_PROPERTIES)
    return [
        Column("rank", "Rank", hint="Rank by front, then by score." if candidates.is_pareto else "Rank by score."),
        Column("front", "Front", hint="1 for what no other candidate is better than in all terms, 2 without those, …"),
        Column("id", "ID", hint="The same molecule has the same ID in every run.", kind="text"),
        Column("smiles", "Candidate", kind="molecule"),
        Column("score", "Score", hint="The objective's score, from 0 to 1.", decimals=3),
        Column(
            "targets_met",
            "Targets met",
            note=f"of {n_terms}",
            hint=f"How many terms have a desirability of at least {TARGET_MET:g}. Equal scores are sorted by it.",
        ),
        *terms,
        Column(
            "nearest_train_similarity",
            "Similarity to training set",
            note="ECFP4, 1,024 bits",
            hint="Tanimoto similarity to the nearest training molecule, bits folded to 1,024. It cannot be compared "
            "with similarities by ECFP4 counts.",
            decimals=2,
        ),
        Column("nearest_train_smiles", "Nearest training molecule", note="ECFP4, 1,024 bits", kind="molecule"),
        *_scored_columns(units),
        Column("cluster", "Cluster", hint="Number of its Butina cluster (ECFP4, 2,048 bits, similarity of 0.5)."),
        *(_property_column(name) for name in properties if name not in taken),
        Column("origin", "Origin", hint="How the search proposed it.", kind="text", shown=False),
        Column("call", "Oracle call", hint="The oracle call in which it was scored.", shown=False),
    ]


def _term_columns(candidates: CandidateSet, name: str, same: Mapping[str, str]) -> list[Column]:
    """Return the column of a term, and of one that is learned those of the interval and the nearest measured value."""
    value = _term_column(candidates, name, same)
    if f"{LOW}{name}" not in candidates.table:
        return [value]
    decimals = candidates.decimals(name, 2)
    low, high = (f"{end} end of the interval of the prediction." for end in ("Lower", "Upper"))
    return [
        value,
        Column(
            f"{PREDICTED}{name}",
            f"{value.title}, predicted",
            hint="Predicted value, in the middle of the interval.",
            decimals=decimals,
            # Otherwise it is the term itself.
            shown=bool(scored_end(candidates, name)),
        ),
        Column(f"{LOW}{name}", f"{value.title}, low", hint=low, decimals=decimals),
        Column(f"{HIGH}{name}", f"{value.title}, high", hint=high, decimals=decimals),
        Column(
            f"{NEAREST_VALUE}{name}",
            f"{value.title}, nearest measured",
            hint="Measured value of the nearest measured molecule (ECFP4, 2,048 bits).",
            decimals=decimals,
            shown=False,
        ),
    ]


def _term_column(candidates: CandidateSet, name: str, same: Mapping[str, str]) -> Column:
    key = same.get(f"{TERM}{name}", f"{TERM}{name}")
    values = candidates.table[f"{TERM}{name}"]
    least = 3 if values.abs().max() < 10 else 1
    decimals = PROPERTIES[key].decimals if key in PROPERTIES else candidates.decimals(name, least)
    bar = f"{DESIRABILITY}{name}" if f"{DESIRABILITY}{name}" in candidates.table else ""
    term = next((term for term in candidates.spec.terms if term.title == name), None) if candidates.spec else None
    if term is None:
        return Column(key, name.replace("_", " "), hint="Value of this term.", decimals=decimals, desirability=bar)
    kind = ""
    if term.quantity.kind() == "similarity":
        kind = fingerprint_title(term.quantity.similarity.fingerprint) + "; "  # type: ignore[attr-defined]
    title = PROPERTIES[key].title if key in PROPERTIES else name.replace("_", " ")
    note = kind + term.desirability.text()
    return Column(key, title, note, f"Term of the objective: {term.quantity.text()}.", "number", decimals, True, bar)


def fingerprint_title(name: str) -> str:
    """Return what a reader calls a fingerprint."""
    return FINGERPRINTS.get(name, name)


def _scored_columns(units: Mapping[str, str]) -> list[Column]:
    """Return the columns of sanity checks, most of which the score stage writes."""
    return [
        Column(
            "alerts",
            "Alerts",
            hint="Structural alerts by collection: PAINS and MCF, which the MOSES filters use, and BRENK and NIH, "
            "which they do not.",
            kind="text",
        ),
        Column(
            "passes_filters",
            "MOSES filters",
            hint="Whether it has no PAINS or MCF alert, only the elements C, N, S, O, F, Cl and Br, no charge, and no "
            "ring of eight or more atoms.",
            kind="text",
        ),
        Column("unseen_ring_systems", "Unseen rings", hint="Ring systems that no training molecule has.", kind="text"),
        Column(
            "known_ring_systems",
            "Rings seen in training",
            hint="Fraction of its ring systems that occur in training.",
            decimals=2,
        ),
        Column(
            "anomaly_percentile",
            "Unusualness",
            note="percentile",
            hint="Percentile of its anomaly score among held-out molecules; above 99, it lies outside the model's "
            "domain.",
        ),
        Column(
            "likelihood_percentile",
            "Likelihood",
            note="percentile",
            hint="Percentile of the model's likelihood of it among held-out molecules; a low one is unusual.",
            shown=False,
        ),
        Column(
            "nearest_train_id", "Neighbour's ID", hint="ID of the nearest training molecule.", kind="text", shown=False
        ),
        *(
            Column(
                f"nearest_train_{name}",
                f"Neighbour's {name}",
                note=unit,
                hint="Measured value of the nearest training molecule.",
                decimals=3,
            )
            for name, unit in units.items()
        ),
    ]


def _property_column(name: str) -> Column:
    spec = PROPERTIES[name]
    shown = name in SHOWN_PROPERTIES
    return Column(name, spec.title, spec.unit, spec.definition, decimals=spec.decimals, shown=shown)


def _exported(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the fields of a CSV file, and by name the field that has the values of one that is left out.

    A term or constraint that is a property is not repeated, nor is what holds for every candidate.
    """
    same = {
        name: plain
        for name in table.columns
        if name.startswith((TERM, CONSTRAINT))
        and (plain := name.partition(".")[2]) in PROPERTIES
        and plain in table
        and table[name].equals(table[plain].astype(table[name].dtype))
    }
    first = [name for name in ("rank", "id", "smiles", "score", "targets_met", "suggested", "cluster") if name in table]
    left_out = {*first, *same, *_NOT_EXPORTED}
    chosen = table[[*first, *(name for name in table.columns if name not in left_out)]]
    return chosen.assign(origin=chosen["origin"].map(origin_title)), same


def _plain(value: Any) -> Any:
    """Return a value of a table as one of JSON: numbers with six significant digits, None for none."""
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, str):
        return value
    number = float(value) if not isinstance(value, bool) else None
    if number is None:
        return value
    return int(number) if number.is_integer() and abs(number) < 1e15 else float(f"{number:.{_SIGNIFICANT_DIGITS}g}")
