"""The lead of an objective beside the candidates."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from molvae.report.drawings import CHANGED, draw, draw_change
from molvae.report.lead import MAX_COMPARED, lead_comparisons

COLOUR = "#" + "".join(f"{round(255 * part):02X}" for part in CHANGED)


@pytest.fixture
def with_lead(run):
    """Return a search whose lead is its first oracle call."""
    result = run.optimizations[0]
    lead = result.search.trace["smiles"][0]
    objective = {**result.search.summary["objective"], "lead": {"smiles": lead, "similarity": 0.4}}
    search = replace(result.search, summary={**result.search.summary, "objective": objective})
    candidates = result.candidates.assign(**{"constraint.similarity_to_lead": 0.51})
    return replace(result, search=search, candidates=candidates)


def test_a_search_without_a_lead_compares_nothing(run):
    assert lead_comparisons(run.optimizations[0]) == ()


def test_the_best_candidates_are_beside_the_lead_with_what_changed(with_lead):
    compared = lead_comparisons(with_lead)
    best = with_lead.candidates.iloc[0]
    lead = with_lead.search.trace.iloc[0]
    assert len(compared) == min(MAX_COMPARED, len(with_lead.candidates))
    assert compared[0].heading == f"1: score {best['score']:.3f}, similarity 0.51"
    changes = {change.title: change for change in compared[0].changes}
    assert len(changes) == len(compared[0].changes)
    assert changes["QED"].change == f"{best['qed'] - lead['term.qed']:+.3f}".replace("-", "\u2212")
    assert changes["polar"].candidate == f"{best['term.polar']:.3f}"
    assert COLOUR in compared[0].candidate_svg


def test_a_change_of_nothing_has_no_sign_of_less(with_lead):
    lead = with_lead.search.trace["term.polar"][0]
    candidates = with_lead.candidates.assign(**{"term.polar": lead - 1e-12})
    changes = lead_comparisons(replace(with_lead, candidates=candidates))[0].changes
    assert next(change.change for change in changes if change.title == "polar") == "+0.000"


def test_what_two_molecules_do_not_share_is_marked_in_both():
    before, after = draw_change("O=C(NC)c1ccc(Cl)cc1", "O=C(NC)c1ccc(OC)cc1")
    for svg in (before, after):
        ElementTree.fromstring(svg)
        assert COLOUR in svg
    same, _ = draw_change("O=C(NC)c1ccc(Cl)cc1", "O=C(NC)c1ccc(Cl)cc1")
    assert COLOUR not in same


def test_molecules_that_share_nothing_or_are_none_are_drawn():
    assert all(draw_change("CCO", "FC(F)(F)c1ccccc1"))
    assert draw_change("no molecule", "CCO") == ("", draw("CCO"))
