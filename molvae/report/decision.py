"""The answer that the page opens on: which molecules to look at first, why, and what to distrust."""

import math
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pandas as pd

from molvae.chem.descriptors import PROPERTIES, compute_properties
from molvae.chem.molecules import canonical_smiles
from molvae.chem.standardise import standardise
from molvae.provenance import recorded_sources
from molvae.report.best import best_scores, seed_spread
from molvae.report.candidate_set import CandidateSet, candidate_set
from molvae.report.candidate_table import fingerprint_title
from molvae.report.cautions import CLOSE_ANALOGUE, candidate_cautions, model_cautions
from molvae.report.drawings import draw, draw_change
from molvae.report.numerals import count, inflected, listed, number, plural
from molvae.report.predictions import (
    Learning,
    interval_of,
    learned_cautions,
    learnings,
    predicted_gains,
    prediction_column,
    scored_end,
)
from molvae.report.run_data import Optimization, Run
from molvae.report.searches import n_new
from molvae.report.sections import Section
from molvae.report.sentences import title_of, why_none
from molvae.report.tiles import FAR_PERCENTILE
from molvae.tables import DESIRABILITY, TARGET_MET, TERM

BESIDE_TERMS = ("mol_weight", "logp", "tpsa", "qed", "sa_score")
"""Properties that are compared with those of the reference, besides the terms."""


@dataclass(frozen=True)
class Fact:
    """A value of a molecule, and how it differs from that of the reference.

    Attributes:
        title: The term or property.
        wanted: How sure a predicted value is, and which values are desired; empty for a property that is no term.
        value: Its value.
        change: The difference from the reference, with its sign; empty where that is unknown.
        desirability: Desirability of the value, in [0, 1]; None for a property that is no term.
    """

    title: str
    wanted: str
    value: str
    change: str
    desirability: float | None


@dataclass(frozen=True)
class Suggestion:
    """A suggested molecule.

    Attributes:
        id: Its ID.
        smiles: Its SMILES.
        svg: Its drawing, oriented like the reference, with what the reference does not have marked.
        score: Its score.
        rank: Its rank among the candidates.
        targets_met: How many targets it meets.
        cluster: Number of its cluster, and how many candidates that has.
        facts: Its terms and properties.
        doubts: What to be careful about.
        reference: SMILES of the molecule it is compared with.
        reference_svg: Drawing of that molecule, what the suggestion does not have marked.
    """

    id: str
    smiles: str
    svg: str
    score: str
    rank: str
    targets_met: int
    cluster: str
    facts: tuple[Fact, ...]
    doubts: tuple[str, ...]
    reference: str
    reference_svg: str


def decision_sections(run: Run) -> list[Section]:
    """Return the answer for each objective, the first with the doubts about the model, or these alone."""
    about_model = model_cautions(run, recorded_sources(run.folder))
    if not run.optimizations:
        return [Section("care", "Read with care", "care.html.j2", {"doubts": about_model})]
    first, *others = run.optimizations
    return [_decision(first, run, about_model), *(_decision(result, run, []) for result in others)]


def _decision(result: Optimization, run: Run, about_model: list[str]) -> Section:
    candidates = candidate_set(result)
    learned = learnings(run.folder, result.objective)
    rows = candidates.suggested.to_dict("records")
    suggestions = [_suggestion(row, candidates, result.search.trace, learned) for row in rows]
    title = title_of(result.objective)
    return Section(
        name=f"decision-{result.objective}",
        title=f"Suggested: {title}" if len(run.optimizations) > 1 else "Suggested molecules",
        template="decision.html.j2",
        content={
            "objective": title,
            "table": f"candidates-{result.objective}",
            "search": f"optimization-{result.objective}",
            "headline": headline(candidates, n_new(result.search.trace)),
            "selection": selection(candidates),
            "target_met": f"{TARGET_MET:g}",
            "gains": predicted_gains(run.folder, result),
            "improvement": best_scores(result),
            "seeds": seed_spread(result),
            "doubts": [
                *candidate_cautions(result),
                *learned_cautions(run.folder, result.objective),
                *about_model,
            ],
            "suggestions": suggestions,
            "reference": _reference(candidates, result.search.trace, learned),
            "n_targets": len(candidates.terms),
        },
    )


def headline(candidates: CandidateSet, n_scored: int) -> str:
    """Say how many candidates meet all targets, or how many come nearest to that; `n_scored` new ones are feasible."""
    n, n_targets = len(candidates.table), len(candidates.terms)
    if n == 0:
        return why_none(n_scored)
    none, each = ("The only candidate", "it") if n == 1 else (f"None of the {plural(n, 'candidate')}", "")
    meeting = candidates.n_meeting(n_targets)
    all_of_them = {2: "both targets", 4: "all four targets"}.get(n_targets, f"all {n_targets} targets")
    target = "the target" if n_targets == 1 else all_of_them
    if meeting and n == 1:
        return f"The only candidate meets {target}."
    if meeting:
        return f"{count(meeting)} of {plural(n, 'candidate')} {inflected(meeting, 'meets', 'meet')} {target}."
    most = int(candidates.table["targets_met"].max())
    if most == 0:
        return f"{none} {'fully meets no' if n == 1 else 'fully meets any'} target."
    nearest = candidates.n_meeting(most)
    missed = _missed(candidates, most)
    return (
        f"{none} {'does not meet' if n == 1 else 'meets'} {target}; {each or count(nearest)} "
        f"{inflected(nearest, 'meets', 'meet')} {most} of them{f', missing {missed}' if missed else ''}."
    )


def _missed(candidates: CandidateSet, n_met: int) -> str:
    """Name the targets that the candidates meeting the most targets miss; empty if these are many."""
    best = candidates.table[candidates.table["targets_met"] == n_met]
    columns = [name for name in best.columns if name.startswith(DESIRABILITY)]
    missed = [f"“{term_title(name.removeprefix(DESIRABILITY))}”" for name in columns if best[name].max() < TARGET_MET]
    if not 0 < len(missed) <= 2:
        return ""
    # Each of them may also miss targets that others meet.
    among = "" if len(missed) == len(candidates.terms) - n_met else ", among others"
    return f"{listed(missed)}{among}"


def selection(candidates: CandidateSet) -> str:
    """Say how the suggested molecules were chosen."""
    if candidates.suggested.empty:
        return ""
    knee = " The knee of the front is among them in any case." if candidates.is_pareto else ""
    return f"{_by_clusters(candidates)}{knee}"


def _by_clusters(candidates: CandidateSet) -> str:
    n = len(candidates.suggested)
    if candidates.n_clusters == 1 < n:
        return "All candidates are of one cluster (ECFP4, 2,048 bits): those that meet most targets come first."
    if candidates.n_clusters < n:
        return (
            f"The molecules below are the best of {plural(candidates.n_clusters, 'cluster')} of similar candidates "
            "(ECFP4, 2,048 bits), and then the second best of each, and so on; those that meet most targets come first."
        )
    clusters = plural(candidates.n_clusters, "cluster")
    if n < candidates.n_clusters:
        clusters = f"{n} of {clusters}"
    best = "The molecule below is the best" if n == 1 else "Each molecule below is the best"
    return (
        f"{best} of its cluster of similar candidates ({clusters} by ECFP4, 2,048 bits), those that meet most targets "
        "first."
    )


def term_title(name: str) -> str:
    """Return what a reader calls a term."""
    return PROPERTIES[name].title if name in PROPERTIES else name.replace("_", " ")


def _suggestion(
    row: Mapping[Hashable, Any], candidates: CandidateSet, trace: pd.DataFrame, learned: Mapping[str, Learning]
) -> Suggestion:
    smiles = str(row["smiles"])
    reference = candidates.reference or str(row["nearest_train_smiles"])
    reference_svg, svg = draw_change(reference, smiles) if reference else ("", draw(smiles))
    reference_values = _values(reference, candidates, trace)
    n_alike = int((candidates.table["cluster"] == row["cluster"]).sum())
    return Suggestion(
        id=str(row["id"]),
        smiles=smiles,
        svg=svg,
        score=number(float(row["score"]), 3),
        rank=count(row["rank"]),
        targets_met=int(row["targets_met"]),
        cluster=f"{count(row['cluster'])} ({plural(n_alike, 'candidate')})",
        facts=tuple(_facts(row, reference_values, candidates, learned)),
        doubts=tuple(doubts(row)),
        reference=reference,
        reference_svg=reference_svg,
    )


def _reference(
    candidates: CandidateSet, trace: pd.DataFrame, learned: Mapping[str, Learning]
) -> Mapping[str, Any] | None:
    """Return the drawing and the values of the reference; None if each molecule is compared with one of its own."""
    if not candidates.reference:
        return None
    values = _values(candidates.reference, candidates, trace)
    desirabilities = _desirabilities(values, candidates)
    is_lead = candidates.spec is not None and candidates.spec.lead is not None
    return {
        "title": "Lead" if is_lead else "Reference",
        "smiles": candidates.reference,
        "svg": draw(candidates.reference),
        "targets_met": sum(value >= TARGET_MET for value in desirabilities.values()),
        "score": _score(values, candidates) if len(desirabilities) == len(candidates.terms) else "",
        "facts": [
            Fact(
                title,
                _noted(_measured(name, learned.get(name), candidates), wanted),
                _text(values.get(field, math.nan), _decimals(name, candidates)),
                "",
                desirabilities.get(name),
            )
            for title, wanted, field, name in _fields(candidates)
        ],
    }


def _values(smiles: str, candidates: CandidateSet, trace: pd.DataFrame) -> dict[str, float]:
    """Return the properties of a molecule, and its values of the terms as far as they are known, by field."""
    if not smiles:
        return {}
    properties = compute_properties([smiles], list(PROPERTIES)).iloc[0].to_dict()
    values = {str(name): float(value) for name, value in properties.items()}
    if candidates.spec is None:
        values |= {f"{TERM}{name}": values[name] for name in candidates.terms if name in values}
    for term in candidates.spec.terms if candidates.spec else ():
        # A term of a user's own may have the name of a property.
        if term.quantity.kind() == "property":
            values[f"{TERM}{term.title}"] = values[term.quantity.argument]
        if term.quantity.kind() == "similarity" and canonical_smiles(term.quantity.similarity.to) == smiles:  # type: ignore[attr-defined]
            values[f"{TERM}{term.title}"] = 1.0
    calls = trace[trace["smiles"] == smiles]
    if len(calls):
        values |= {f"{TERM}{name}": float(calls.iloc[0][f"{TERM}{name}"]) for name in candidates.terms}
    return values


def _desirabilities(values: Mapping[str, float], candidates: CandidateSet) -> dict[str, float]:
    """Return the desirability of each term whose value is known and has one."""
    found = {}
    for term in candidates.spec.terms if candidates.spec else ():
        value = values.get(f"{TERM}{term.title}", math.nan)
        # A term without a desirability takes only values from 0 to 1.
        with suppress(ValueError):
            found[term.title] = term.desirability(value) if math.isfinite(value) else math.nan
    return {name: value for name, value in found.items() if not math.isnan(value)}


def _score(values: Mapping[str, float], candidates: CandidateSet) -> str:
    """Return the score of values of all terms; empty where the objective is not recorded."""
    if candidates.spec is None:
        return ""
    return number(candidates.spec.score_of({name: values[f"{TERM}{name}"] for name in candidates.terms}), 3)


def _fields(candidates: CandidateSet) -> list[tuple[str, str, str, str]]:
    """Return title, desired values, field and name of each term, and then of each property that is not a term."""
    wanted = {term.title: _wanted(term) for term in candidates.spec.terms} if candidates.spec else {}
    terms = [(term_title(name), wanted.get(name, ""), f"{TERM}{name}", name) for name in candidates.terms]
    properties = [name for name in BESIDE_TERMS if name not in candidates.terms and name in candidates.table]
    return [*terms, *((PROPERTIES[name].title_with_unit, "", name, name) for name in properties)]


def _wanted(term: Any) -> str:
    text = str(term.desirability.text())
    if term.quantity.kind() == "similarity":
        return f"{fingerprint_title(term.quantity.similarity.fingerprint)}; {text}"
    return text


def _measured(name: str, learning: Learning | None, candidates: CandidateSet) -> str:
    """Return the measured value of the reference whose value of a term is predicted; nothing for another term."""
    if learning is None:
        return ""
    end = scored_end(candidates, name)
    what = f"{end} of the predicted {learning.interval}" if end else "predicted"
    form = standardise(candidates.reference)
    value = learning.measured.get(form.smiles if form is not None else candidates.reference)
    return what if value is None else f"{what}; measured {_text(value, _decimals(name, candidates))}"


def _predicted(
    row: Mapping[Hashable, Any], learning: Learning | None, name: str, decimals: int, candidates: CandidateSet
) -> str:
    """Return the interval of a value that is predicted; nothing for another term."""
    ends = interval_of(row, name)
    if learning is None or ends is None:
        return ""
    interval = f"{learning.interval} {_text(ends[0], decimals)} to {_text(ends[1], decimals)}"
    end = scored_end(candidates, name)
    if prediction_column(candidates, name) is None:
        return f"{end} of the predicted {interval}"
    return f"predicted, {interval}{f', scored by its {end}' if end else ''}"


def _noted(note: str, wanted: str) -> str:
    return "; ".join(filter(None, [note, wanted]))


def _facts(
    row: Mapping[Hashable, Any],
    reference_values: Mapping[str, float],
    candidates: CandidateSet,
    learned: Mapping[str, Learning],
) -> list[Fact]:
    facts = []
    for title, wanted, field, name in _fields(candidates):
        # What is shown of an end of an interval is the prediction, of which the reference's may be unknown.
        column = prediction_column(candidates, name) if scored_end(candidates, name) else field
        value, decimals = float(row[column or field]), _decimals(name, candidates)
        # The sum has no negative zero.
        reference = reference_values.get(column or field, math.nan)
        change = round(value - reference, decimals) + 0.0
        signed = "" if math.isnan(change) else f"{change:+,.{decimals}f}".replace("-", "\u2212")
        desirability = row.get(f"{DESIRABILITY}{name}")
        known = None if desirability is None or pd.isna(desirability) else float(desirability)
        note = _noted(_predicted(row, learned.get(name), name, decimals, candidates), wanted)
        facts.append(Fact(title, note, _text(value, decimals), signed, known))
    return facts


def _decimals(name: str, candidates: CandidateSet) -> int:
    return max(1, PROPERTIES[name].decimals) if name in PROPERTIES else candidates.decimals(name, 2)


def _text(value: float, decimals: int) -> str:
    return "–" if math.isnan(value) else f"{value:,.{decimals}f}".replace("-", "\u2212")


def doubts(row: Mapping[Hashable, Any]) -> list[str]:
    """Return what to be careful about with a molecule, in a chemist's words."""
    texts = []
    alerts = row.get("alerts")
    if isinstance(alerts, str) and alerts:
        texts.append(f"Structural alert: {alerts}")
    elif row.get("passes_filters") is False:
        texts.append("Does not pass the MOSES filters: an element, a charge or a large ring")
    if has_unseen_rings(row):
        texts.append("A ring system that no training molecule has")
    percentile = row.get("anomaly_percentile")
    if percentile is not None and float(percentile) > FAR_PERCENTILE:
        texts.append("Outside the model’s domain: more unusual than 99\u00a0% of held-out molecules")
    similarity = float(row["nearest_train_similarity"])
    if similarity > CLOSE_ANALOGUE:
        texts.append(f"A close analogue of a training molecule (similarity {similarity:.2f})")
    return texts


def has_unseen_rings(row: Mapping[Hashable, Any]) -> bool:
    """Say whether a molecule has a ring system that no training molecule has."""
    unseen = row.get("unseen_ring_systems")
    if unseen is not None and not pd.isna(unseen):
        return bool(unseen)
    known = row.get("known_ring_systems")
    return known is not None and float(known) < 1.0
