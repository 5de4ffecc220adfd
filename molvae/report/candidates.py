"""All candidates of each objective: the table to work in and its plots."""

from molvae.report.candidate_set import CandidateSet, candidate_set
from molvae.report.candidate_table import table_content
from molvae.report.numerals import count, inflected, number, plural
from molvae.report.run_data import Optimization, Run
from molvae.report.sections import Section
from molvae.report.sentences import title_of


def candidate_sections(run: Run) -> list[Section]:
    """Return the candidates of each objective."""
    units = {name: str(statistics["unit"]) for name, statistics in run.preparation.properties.items()}
    return [_candidates(result, units, run) for result in run.optimizations]


def _candidates(result: Optimization, units: dict[str, str], run: Run) -> Section:
    candidates = candidate_set(result)
    title = f"Candidates: {title_of(result.objective)}" if len(run.optimizations) > 1 else "Candidates"
    content = {
        "name": result.objective,
        "table": table_content(candidates, result.objective, units),
        "filters": filters_sentence(result),
        "finding": _finding(candidates),
    }
    return Section(
        f"candidates-{result.objective}", title, "candidates.html.j2", content, file=f"candidates_{result.objective}"
    )


def filters_sentence(result: Optimization) -> str:
    """Say how many candidates pass the MOSES filters, and how many have an alert that these do not look for."""
    if result.scored is None or "passes_filters" not in result.scored.molecules or not len(result.candidates):
        return ""
    scored = result.scored.molecules
    passing = scored["passes_filters"].astype(bool)
    others = int((passing & (scored["alerts"] != "")).sum())
    n = int(passing.sum())
    text = f"{count(n)} of {plural(len(scored), 'candidate')} {inflected(n, 'passes', 'pass')} the MOSES filters"
    if not n:
        return f"{text}."
    if n == 1:
        return f"{text}; it has {'an' if others else 'no'} alert of another collection."
    if not others:
        return f"{text}; none of these has an alert of another collection."
    return f"{text}; {count(others)} of these {inflected(others, 'has', 'have')} an alert of another collection."


def _finding(candidates: CandidateSet) -> str:
    """Say in a sentence what the plots of the candidates show."""
    table = candidates.table
    if not len(table):
        return ""
    similarity = table["nearest_train_similarity"]
    if len(table) == 1:
        return (
            f"The only candidate has a score of {number(float(table['score'].iloc[0]), 3)} and a similarity of "
            f"{number(float(similarity.iloc[0]))} to the training set."
        )
    return (
        f"The scores are from {number(float(table['score'].min()), 3)} to {number(float(table['score'].max()), 3)}, "
        f"the similarities to the training set from {number(float(similarity.min()))} to "
        f"{number(float(similarity.max()))}; the {plural(len(table), 'candidate')} fall into "
        f"{plural(candidates.n_clusters, 'cluster')}."
    )
