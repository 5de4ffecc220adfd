from dataclasses import replace

import pytest

from molvae.metrics.registry import measured
from molvae.report.sentences import cards, sentences, title_of, unique_at_most, valid_ones


def test_every_card_names_its_denominator(run):
    by_title = {card.title: card for card in cards(run)}
    assert by_title["Molecules"].under == "kept of 43 read"
    assert by_title["Valid"].under == "of 60 samples"
    assert by_title["Ten best new"].value != "–"
    assert all(any(letter.isdigit() for letter in card.under) for card in by_title.values())


def test_the_sentences_carry_the_numbers(run):
    text = " ".join(sentences(run))
    assert "Of 43 molecules read, 40 were kept: 28 for training, 4 for validation and 8 for testing." in text
    assert "2 rejected rows (not a molecule: 1; element: 1)" in text
    assert "too large" not in text
    assert "64 latent dimensions, 812,345 parameters" in text
    assert "the weights of epoch 12" in text
    bounds = "no token with a probability below 0.02 and no molecule with a negative log-likelihood above 31.4 nats"
    assert f"the unconditional decoder ({bounds})," in text
    assert "training molecules and" in text
    assert "(FCD) of 2.90 to the test molecules; for codes halfway between two held-out molecules it is 5.80" in text
    assert "for the ten best new random samples under the same budget" in text
    assert "20 new molecules are proposed as candidates, of which 19 pass the MOSES filters." in text


def test_the_lead_is_the_call_before_a_search_from_known_molecules(run):
    (result,) = run.optimizations
    origins = ["start", *["mutation"] * (len(result.search.trace) - 1)]
    summary = {**result.search.summary, "n_start_outside_budget": 100}
    search = replace(result.search, trace=result.search.trace.assign(origin=origins), summary=summary)
    text = sentences(replace(run, optimizations=(replace(result, search=search),)))[-1]
    assert "1 of them for the lead. It started from the 100 best training molecules" in text


def test_without_a_baseline_nothing_is_compared_with_random(run):
    results = tuple(replace(result, baseline=None) for result in run.optimizations)
    assert "random samples" not in " ".join(sentences(replace(run, optimizations=results)))


def test_fewer_than_ten_feasible_molecules_are_said(run):
    (result,) = run.optimizations
    trace = result.search.trace.assign(feasible=lambda table: table["call"].isin([30, 31, 32]))
    changed = replace(result, search=replace(result.search, trace=trace))
    text = sentences(replace(run, optimizations=(changed,)))[-1]
    assert "The 3 new molecules that satisfy the constraints have a mean score of" in text


@pytest.mark.parametrize(
    ("scores", "said", "card"),
    [
        ([0.5] * 10, "0.500 for the ten best of all 63 training molecules", "training set 0.500"),
        ([0.9, 0.6, 0.3], "0.600 for the 3 of all 63 training molecules that satisfy the constraints", "3 best of tr"),
        ([0.9], "0.900 for the only one of all 63 training molecules that satisfies the constraints", "best of tr"),
        ([], "Of 63 training molecules, none has a score within the constraints.", ""),
    ],
)
def test_the_best_training_molecules_are_those_within_the_constraints(run, scores, said, card):
    (result,) = run.optimizations
    summary = {**result.search.summary, "training_best_scores": scores}
    changed = replace(run, optimizations=(replace(result, search=replace(result.search, summary=summary)),))
    assert said in sentences(changed)[-1]
    shown = {card.title: card for card in cards(changed)}["Ten best new"].under
    assert (f"; {card}" in shown) if card else ("training" not in shown)


def test_a_card_says_of_how_many_the_mean_is(run):
    (result,) = run.optimizations
    for calls, title in (([30, 31, 32], "3 best new"), ([30], "Best new")):
        trace = result.search.trace.assign(feasible=lambda table, calls=calls: table["call"].isin(calls))
        changed = replace(run, optimizations=(replace(result, search=replace(result.search, trace=trace)),))
        assert cards(changed)[-1].title == title


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([30], "The only new molecule that satisfies the constraints has a score of"),
        ([], "No new molecule satisfies the constraints."),
    ],
)
def test_one_feasible_molecule_or_none_is_written_as_such(run, calls, said):
    (result,) = run.optimizations
    trace = result.search.trace.assign(feasible=lambda table: table["call"].isin(calls))
    changed = replace(result, search=replace(result.search, trace=trace))
    assert said in sentences(replace(run, optimizations=(changed,)))[-1]


def test_a_single_candidate_is_in_the_singular(run):
    (result,) = run.optimizations
    scored = replace(result.scored, molecules=result.scored.molecules.head(1))
    changed = replace(result, candidates=result.candidates.head(1), scored=scored)
    text = sentences(replace(run, optimizations=(changed,)))[-1]
    assert text.endswith("1 new molecule is proposed as a candidate, of which 1 passes the MOSES filters.")


@pytest.mark.parametrize(
    ("name", "title"), [("demo", "demo"), ("my_kinase", "my kinase"), ("zolpidem_follow_up", "zolpidem follow-up")]
)
def test_an_objective_has_a_name_as_people_write_it(name, title):
    assert title_of(name) == title


def test_several_objectives_have_a_card_each(run):
    (result,) = run.optimizations
    twice = replace(run, optimizations=(result, replace(result, objective="other")))
    titles = [card.title for card in cards(twice)]
    assert titles[-2:] == ["Ten best new: demo", "Ten best new: other"]


def test_uniqueness_is_that_over_the_most_samples(run):
    assert unique_at_most(run.samples.moses) == "unique@10000"
    assert unique_at_most({}) == ""


def test_a_setting_of_the_samples_stands_in_place_of_what_suited_the_prior(run):
    asked = run.settings.sample.model_copy(update={"min_probability": 0.0, "max_nll": 50.0})
    text = " ".join(sentences(replace(run, settings=run.settings.model_copy(update={"sample": asked}))))
    assert "the unconditional decoder (no molecule with a negative log-likelihood above 50.0 nats)," in text


def test_uniqueness_says_over_which_samples_it_is(run):
    assert valid_ones(run.samples.moses, unique_at_most(run.samples.moses)) == "the valid ones"
    many = {"valid": measured("valid", 1.0, 30_000), "unique@10000": measured("unique@10000", 0.9, 10_000)}
    assert valid_ones(many, "unique@10000") == "the first 10,000 valid ones"
