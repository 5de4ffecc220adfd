"""The lead of an objective beside the candidates: what was changed, and what that did to the properties."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from molvae.chem.descriptors import PROPERTIES, compute_properties
from molvae.chem.molecules import canonical_smiles
from molvae.optimize.spec import SIMILARITY_TO_LEAD
from molvae.report.candidate_table import SHOWN_PROPERTIES
from molvae.report.decision import term_title
from molvae.report.drawings import draw_change
from molvae.report.numerals import decimals_for
from molvae.report.run_data import Optimization, Run
from molvae.report.sections import Section
from molvae.report.sentences import title_of
from molvae.tables import CONSTRAINT, TERM

MAX_COMPARED = 12
"""Candidates that are shown beside the lead, the best ones."""


@dataclass(frozen=True)
class Change:
    """A property of a candidate beside that of the lead.

    Attributes:
        title: The property, or the term of the objective.
        lead: Value of the lead.
        candidate: Value of the candidate.
        change: The difference, with its sign.
    """

    title: str
    lead: str
    candidate: str
    change: str


@dataclass(frozen=True)
class LeadComparison:
    """A candidate beside the lead.

    Attributes:
        heading: Its rank, score, and similarity to the lead.
        smiles: SMILES of the candidate.
        lead_svg: Drawing of the lead, what the candidate has not marked.
        candidate_svg: Drawing of the candidate in the same orientation, what the lead has not marked.
        changes: What became of the terms and of the properties.
    """

    heading: str
    smiles: str
    lead_svg: str
    candidate_svg: str
    changes: tuple[Change, ...]


def lead_sections(run: Run) -> list[Section]:
    """Return the best candidates beside the lead, for each objective that has one."""
    compared = {result.objective: lead_comparisons(result) for result in run.optimizations}
    return [
        Section(f"lead-{name}", f"Lead and candidates: {title_of(name)}", "lead.html.j2", {"comparisons": comparisons})
        for name, comparisons in compared.items()
        if comparisons
    ]


def lead_comparisons(result: Optimization) -> tuple[LeadComparison, ...]:
    """Return the best candidates beside the lead, the best first; none if the objective has no lead."""
    content = result.search.summary.get("objective", {}).get("lead")
    lead = canonical_smiles(content["smiles"]) if content else None
    if lead is None:
        return ()
    values = _values_of(lead, result.search.trace)
    best = result.candidates.head(MAX_COMPARED).to_dict("records")
    return tuple(_comparison(lead, values, candidate) for candidate in best)


def _values_of(lead: str, trace: pd.DataFrame) -> dict[str, float]:
    """Return the properties of the lead, and its values of the terms from its oracle call."""
    properties = compute_properties([lead], list(SHOWN_PROPERTIES)).iloc[0].to_dict()
    calls = trace[trace["smiles"] == lead]
    terms = [column for column in trace.columns if column.startswith(TERM)]
    of_terms = calls.iloc[0][terms].to_dict() if len(calls) else {}
    return {str(name): float(value) for name, value in {**of_terms, **properties}.items()}


def _comparison(lead: str, values: Mapping[str, float], candidate: Mapping[Hashable, Any]) -> LeadComparison:
    smiles = str(candidate["smiles"])
    similarity = candidate[f"{CONSTRAINT}{SIMILARITY_TO_LEAD}"]
    drawings = draw_change(lead, smiles)
    heading = f"{candidate['rank']}: score {candidate['score']:.3f}, similarity {similarity:.2f}"
    # A property that is a term by itself is shown once.
    shown = [name for name in values if name.removeprefix(TERM) not in SHOWN_PROPERTIES or not name.startswith(TERM)]
    changes = (_change(name, values[name], float(candidate[name])) for name in shown if name in candidate)
    return LeadComparison(heading, smiles, *drawings, tuple(changes))


def _change(name: str, lead: float, candidate: float) -> Change:
    spec = None if name.startswith(TERM) else PROPERTIES[name]
    decimals = decimals_for([lead, candidate], 3) if spec is None else spec.decimals
    title = term_title(name.removeprefix(TERM)) if spec is None else spec.title_with_unit
    # The sum has no negative zero.
    difference = round(candidate - lead, decimals) + 0.0
    of_lead, of_candidate = f"{lead:,.{decimals}f}", f"{candidate:,.{decimals}f}"
    texts = zip((lead, candidate, difference), (of_lead, of_candidate, f"{difference:+,.{decimals}f}"), strict=True)
    return Change(title, *("–" if math.isnan(value) else text.replace("-", "\u2212") for value, text in texts))
