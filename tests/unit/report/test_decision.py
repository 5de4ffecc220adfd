from dataclasses import replace

import pytest
from rdkit import Chem

from molvae.report.candidate_set import candidate_set
from molvae.report.decision import decision_sections, doubts, headline, selection


@pytest.fixture
def candidates(run):
    return candidate_set(run.optimizations[0])


@pytest.mark.parametrize(
    ("met", "said"),
    [
        ([3, 3, 1], "2 of 3 candidates meet all 3 targets."),
        ([3, 0, 1], "1 of 3 candidates meets all 3 targets."),
        ([2, 2, 1], "None of the 3 candidates meets all 3 targets; 2 meet 2 of them"),
        ([0, 0, 0], "None of the 3 candidates fully meets any target."),
    ],
)
def test_the_headline_says_how_many_meet_the_targets(candidates, met, said):
    table = candidates.table.head(3).assign(targets_met=met)
    assert headline(replace(candidates, table=table), 9).startswith(said)


def test_the_target_that_the_best_miss_is_named(candidates):
    desirabilities = {"desirability.qed": 1.0, "desirability.logp": 1.0, "desirability.polar": 0.3}
    table = candidates.table.head(3).assign(targets_met=2, **desirabilities)
    assert headline(replace(candidates, table=table), 9).endswith("3 meet 2 of them, missing “polar”.")


def test_a_target_that_all_miss_is_not_said_to_be_the_only_one(candidates):
    missed = {"desirability.qed": [1.0, 0.2, 0.2], "desirability.logp": [0.3, 1.0, 0.2], "desirability.polar": 0.3}
    table = candidates.table.head(3).assign(targets_met=[1, 1, 0], **missed)
    assert headline(replace(candidates, table=table), 9).endswith("2 meet 1 of them, missing “polar”, among others.")


@pytest.mark.parametrize(
    ("met", "said"),
    [
        (3, "The only candidate meets all 3 targets."),
        (2, "The only candidate does not meet all 3 targets; it meets 2 of them"),
        (0, "The only candidate fully meets no target."),
    ],
)
def test_the_headline_of_one_candidate_is_in_the_singular(candidates, met, said):
    assert headline(replace(candidates, table=candidates.table.head(1).assign(targets_met=met)), 9).startswith(said)


def test_a_term_of_ones_own_with_the_name_of_a_property_has_no_value_of_that(run):
    (result,) = run.optimizations
    objective = dict(result.search.summary["objective"])
    own = {"python": "mine.py:f", "name": "qed", "clip": {"upper": 100.0}}
    objective |= {"terms": [own, *objective["terms"][1:]], "lead": {"smiles": "c1ccccc1CCCCCCN", "similarity": 0.1}}
    changed = replace(result, search=replace(result.search, summary={**result.search.summary, "objective": objective}))
    (section,) = decision_sections(replace(run, optimizations=(changed,)))
    values = {fact.title: fact.value for fact in section.content["reference"]["facts"]}
    assert values["QED"] == "–"
    assert values["logP"] != "–"
    # The term has another name than its property.
    assert float(values["polar"]) == pytest.approx(float(values["TPSA, Å²"]), abs=0.1)


def test_without_candidates_the_headline_says_so(candidates):
    nothing = replace(candidates, table=candidates.table.head(0))
    assert headline(nothing, 0) == "No new molecule satisfies all constraints."
    assert headline(nothing, 9) == "No new molecule has a score above 0: each misses a target entirely."
    assert selection(nothing) == ""


def test_suggestions_have_changes_from_their_reference_and_desirabilities(run):
    (section,) = decision_sections(run)
    suggestions = section.content["suggestions"]
    assert 1 <= len(suggestions) <= 5
    first = suggestions[0]
    facts = {fact.title: fact for fact in first.facts}
    assert list(facts) == ["QED", "logP", "polar", "Molecular weight, Da", "TPSA, Å²", "SA score"]
    assert facts["logP"].change[0] in "+\u2212"
    assert facts["polar"].change != "\u22120.00"
    assert facts["Molecular weight, Da"].desirability is None
    assert 0.0 <= facts["QED"].desirability <= 1.0
    assert first.reference_svg.startswith("<svg")
    assert first.cluster.endswith(("candidate)", "candidates)"))
    assert section.content["reference"] is None


def test_the_molecule_of_a_similarity_term_is_the_reference_of_all(run):
    (result,) = run.optimizations
    objective = dict(result.search.summary["objective"])
    like = {"similarity": {"to": "O=C(N1CCOCC1)c1ccccc1"}, "name": "polar", "clip": {"upper": 100.0}}
    objective["terms"] = [*objective["terms"][:2], like]
    changed = replace(result, search=replace(result.search, summary={**result.search.summary, "objective": objective}))
    (section,) = decision_sections(replace(run, optimizations=(changed,)))
    reference = section.content["reference"]
    assert reference["title"] == "Reference"
    assert {fact.title: fact.value for fact in reference["facts"]}["polar"] == "1.00"
    desirabilities = {fact.title: fact.desirability for fact in reference["facts"]}
    assert desirabilities["polar"] == pytest.approx(0.01)
    assert 0.0 < desirabilities["QED"] <= 1.0
    assert desirabilities["Molecular weight, Da"] is None
    assert reference["targets_met"] == sum(value is not None and value >= 0.99 for value in desirabilities.values())
    assert 0.0 < float(reference["score"]) <= 1.0
    assert {suggestion.reference for suggestion in section.content["suggestions"]} == {"O=C(c1ccccc1)N1CCOCC1"}


def test_the_doubts_about_the_model_stand_with_the_first_answer(run):
    twice = replace(run, optimizations=(*run.optimizations, *run.optimizations))
    first, second = decision_sections(twice)
    assert "a single seed" in first.content["doubts"][-1]
    assert not any("a single seed" in text for text in second.content["doubts"])
    (alone,) = decision_sections(replace(run, optimizations=()))
    assert alone.name == "care"


def test_doubts_about_a_molecule_are_in_a_chemists_words():
    plain = {"nearest_train_similarity": 0.4, "alerts": "", "passes_filters": True, "known_ring_systems": 1.0}
    assert doubts({**plain, "anomaly_percentile": 50.0}) == []
    odd = {"alerts": "NIH: x", "known_ring_systems": 0.5, "anomaly_percentile": 99.5, "nearest_train_similarity": 0.9}
    assert [text.split()[0] for text in doubts(odd)] == ["Structural", "A", "Outside", "A"]
    assert doubts({**plain, "unseen_ring_systems": "C1CC1"}) == ["A ring system that no training molecule has"]
    assert "MOSES" in doubts({**plain, "passes_filters": False})[0]


def test_a_reference_that_is_not_written_canonically_is_the_molecule_all_the_same(run):
    (result,) = run.optimizations
    canonical = str(result.search.trace["smiles"].iloc[0])
    written = Chem.MolToSmiles(Chem.MolFromSmiles(canonical), canonical=False, rootedAtAtom=2)
    assert written != canonical
    objective = {**result.search.summary["objective"], "lead": {"smiles": written}}
    search = replace(result.search, summary={**result.search.summary, "objective": objective})
    result = replace(result, search=search)
    assert candidate_set(result).reference == canonical
    (section,) = decision_sections(replace(run, optimizations=(result,)))
    assert all(fact.value != "–" for fact in section.content["reference"]["facts"])
    assert all(fact.change for suggestion in section.content["suggestions"] for fact in suggestion.facts)


def test_small_values_of_a_term_can_be_told_apart(run):
    (result,) = run.optimizations
    small = result.candidates.assign(**{"term.polar": result.candidates["term.polar"] * 1e-9})
    (section,) = decision_sections(replace(run, optimizations=(replace(result, candidates=small),)))
    facts = [fact for suggestion in section.content["suggestions"] for fact in suggestion.facts]
    shown = [fact.value for fact in facts if fact.title == "polar"]
    assert shown
    assert all(float(value) > 0.0 for value in shown)


def test_the_knee_is_named_where_the_terms_stay_apart(candidates):
    assert "knee" not in selection(candidates)
    front = replace(candidates, table=candidates.table.assign(front=1))
    assert selection(front).endswith(" The knee of the front is among them in any case.")
