from dataclasses import replace

import pytest

from molvae.chem.selection import N_SUGGESTED
from molvae.report.candidate_set import candidate_set


def test_candidates_of_an_earlier_version_get_what_the_page_shows(run):
    (result,) = run.optimizations
    candidates = candidate_set(result)
    table = candidates.table
    assert table["id"].is_unique
    assert candidates.terms == ("qed", "logp", "polar")
    windows = table["term.logp"].between(1.0, 3.0)
    assert (table.loc[windows, "desirability.logp"] == 1.0).all()
    assert (table["targets_met"] <= 3).all()
    assert table["targets_met"].max() >= 1
    assert len(candidates.suggested) == min(N_SUGGESTED, len(table))
    assert candidates.suggested["cluster"].nunique() == min(N_SUGGESTED, candidates.n_clusters)
    assert candidates.suggested["targets_met"].is_monotonic_decreasing
    assert {"alerts", "inchikey"} & set(table.columns) == {"alerts"}


def test_what_the_search_has_written_is_shown_as_it_is(run):
    (result,) = run.optimizations
    written = result.candidates.assign(
        id=[f"X-{place}" for place in range(len(result.candidates))],
        cluster=7,
        targets_met=2,
        suggested=[True, True] + [False] * (len(result.candidates) - 2),
        alerts="of the search",
    )
    candidates = candidate_set(replace(result, candidates=written))
    assert candidates.suggested["id"].tolist() == ["X-0", "X-1"]
    assert candidates.n_clusters == 1
    assert candidates.n_meeting(2) == len(written)
    assert set(candidates.table["alerts"]) == {"of the search"}


def test_without_a_specification_no_target_is_known(run):
    (result,) = run.optimizations
    search = replace(result.search, summary={})
    candidates = candidate_set(replace(result, search=search))
    assert candidates.spec is None
    assert (candidates.table["targets_met"] == 0).all()
    assert candidates.reference == ""


def test_without_candidates_nothing_is_suggested(run):
    (result,) = run.optimizations
    candidates = candidate_set(replace(result, candidates=result.candidates.head(0), scored=None))
    assert candidates.suggested.empty
    assert candidates.n_clusters == 0


@pytest.mark.parametrize("lead", [True, False])
def test_the_reference_is_the_lead_or_the_molecule_of_a_similarity(run, lead):
    (result,) = run.optimizations
    objective = dict(result.search.summary["objective"])
    objective["terms"] = [{"similarity": {"to": "CCO"}, "name": "like"}, *objective["terms"]]
    if lead:
        objective["lead"] = {"smiles": "CCCO"}
    search = replace(result.search, summary={"objective": objective})
    candidates = candidate_set(replace(result, search=search))
    assert candidates.reference == ("CCCO" if lead else "CCO")
