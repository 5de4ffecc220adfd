"""Predicted values of the candidates, compared with the measured values that they were learned from."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from molvae.files import read_json
from molvae.report.candidate_set import CandidateSet, candidate_set
from molvae.report.numerals import count, decimals_for, inflected, number, plural
from molvae.report.run_data import Optimization
from molvae.tables import HIGH, LOW, PREDICTED, TERM
from molvae.text import one_line

_KEYS = ("column", "coverage", "held_out")
_ENDS = {"low": "lower end", "high": "upper end"}


@dataclass(frozen=True)
class Learning:
    """A term that was learned from a measured column.

    Attributes:
        column: The column.
        coverage: Fraction of the values that the intervals cover.
        measured: Measured values by the canonical SMILES of their molecules.
        r2: Fraction of the variance that the kept model explains of held-out values; NaN where it is not recorded.
    """

    column: str
    coverage: float
    measured: Mapping[str, float]
    r2: float = math.nan

    @property
    def interval(self) -> str:
        """What the intervals are called."""
        return f"{self.coverage:.0%}".replace("%", "\u00a0%") + " interval"


def learning_files(run_folder: Path, objective: str) -> dict[str, Path]:
    """Return the files with the evidence for the learned terms of a search, by term; of one that is gone, none."""
    folder = run_folder / "optimize" / objective
    return {path.stem.removeprefix("learned_"): path for path in sorted(folder.glob("learned_*.json"))}


def learnings(run_folder: Path, objective: str) -> dict[str, Learning]:
    """Return the learned terms of a search by their names."""
    found = {}
    for term, path in learning_files(run_folder, objective).items():
        content = read_json(path, _KEYS)
        held_out = content["held_out"]
        measured = dict(zip(held_out["smiles"], map(float, held_out["measured"]), strict=True))
        column, coverage = one_line(str(content["column"])), float(content["coverage"])
        found[term] = Learning(column, coverage, measured, _r2(content))
    return found


def _r2(content: Mapping[str, Any]) -> float:
    kept = next((one for one in content.get("candidates", ()) if one["name"] == content.get("kept")), None)
    return math.nan if kept is None else float(kept[content["split"]]["r2"])


def learned_cautions(run_folder: Path, objective: str) -> list[str]:
    """Say which learned terms of a search predict nothing."""
    return [
        f"The predictions of {learning.column} are no better than the mean of its measured values (R² "
        f"{number(learning.r2)} on held-out molecules): the term “{term}” guides the search to nothing."
        for term, learning in learnings(run_folder, objective).items()
        if learning.r2 <= 0.0
    ]


def scored_end(candidates: CandidateSet, term: str) -> str:
    """Return which end of the interval the values of a learned term are; empty if they are the predictions."""
    terms = candidates.spec.terms if candidates.spec else ()
    values = [own.quantity.argument.value for own in terms if own.title == term and own.quantity.kind() == "learned"]
    return _ENDS.get(values[0], "") if values else ""


def prediction_column(candidates: CandidateSet, term: str) -> str | None:
    """Return the column with the predictions of a learned term; None where earlier runs wrote only an end of each."""
    if f"{PREDICTED}{term}" in candidates.table:
        return f"{PREDICTED}{term}"
    return None if scored_end(candidates, term) else f"{TERM}{term}"


def interval_of(row: Mapping[Hashable, Any], term: str) -> tuple[float, float] | None:
    """Return the ends of the interval of a candidate, a row of candidates.csv; None where the term has none."""
    low, high = row.get(f"{LOW}{term}"), row.get(f"{HIGH}{term}")
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return None
    return float(low), float(high)


def predicted_gains(run_folder: Path, result: Optimization) -> list[str]:
    """Say for each learned term how many candidates are predicted to be better than the best measured molecule.

    Nothing is said of a term of which neither high nor low values are wanted as such.
    """
    candidates = candidate_set(result)
    if candidates.table.empty or candidates.spec is None:
        return []
    rises = {term.title: term.desirability.rises() for term in candidates.spec.terms}
    gains = []
    for term, learning in learnings(run_folder, result.objective).items():
        column = prediction_column(candidates, term)
        if rises.get(term) is not None and {column, f"{LOW}{term}", f"{HIGH}{term}"} <= {*candidates.table}:
            gains.append(_gain(term, str(column), learning, candidates, rises=bool(rises[term])))
    return gains


def _gain(term: str, column: str, learning: Learning, candidates: CandidateSet, *, rises: bool) -> str:
    table = candidates.table
    values, worse_end = table[column], table[f"{LOW if rises else HIGH}{term}"]
    measured = learning.measured.values()
    best_measured = max(measured) if rises else min(measured)
    beyond = "above" if rises else "below"
    n_beyond, n_surely = _n_beyond(values, best_measured, rises), _n_beyond(worse_end, best_measured, rises)
    best = table.iloc[int(values.argmax() if rises else values.argmin())].to_dict()
    low, high = interval_of(best, term) or (math.nan, math.nan)
    decimals = decimals_for(measured, 2)
    surely = (
        f", {count(n_surely) if n_surely else 'none'} of them with the whole {learning.interval}" if n_beyond else ""
    )
    who = f"{count(n_beyond) if n_beyond else 'None'} of {plural(len(table), 'candidate')}"
    are = inflected(max(n_beyond, 1), "is", "are")
    if len(table) == 1:
        who, are = "The only candidate", "is" if n_beyond else "is not"
        surely = f", {'also' if n_surely else 'but not'} with the whole {learning.interval}" if n_beyond else ""
    return (
        f"{who} {are} predicted to have a value of {learning.column} {beyond} the best "
        f"measured one, {best_measured:,.{decimals}f}{surely}. The {'highest' if rises else 'lowest'} prediction is "
        f"{best[column]:,.{decimals}f} ({low:,.{decimals}f} to {high:,.{decimals}f}), that of {best['id']}."
    )


def _n_beyond(values: pd.Series, limit: float, rises: bool) -> int:
    return int((values > limit if rises else values < limit).sum())
