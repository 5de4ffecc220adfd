from dataclasses import replace

from molvae.report.sentences import cards, sentences, unique_at_most


def test_every_card_names_its_denominator(run):
    found = {card.title: card for card in cards(run)}
    assert found["Molecules"].under == "kept of 43 read"
    assert found["Valid"].under == "of 60 samples"
    assert found["Best ten new"].figure != "–"
    assert all(any(letter.isdigit() for letter in card.under) for card in found.values())


def test_the_sentences_carry_the_numbers(run):
    text = " ".join(sentences(run))
    assert "Of 43 molecules read, 40 were kept: 28 to train on, 4 to validate on and 8 to test on." in text
    assert "2 rejected (not a molecule: 1; element: 1)" in text
    assert "too large" not in text
    assert "64 dimensions and 812,345 parameters" in text
    assert "the weights of epoch 12" in text
    assert "without a code (no token under a probability of 0.02 and no string of more than 31.4 nats)," in text
    assert "training molecules and" in text
    assert "an FCD of 2.90 to the test molecules, and codes halfway between two of them with one of 5.80" in text
    assert "for the ten best of the random samples under the same budget" in text


def test_without_a_baseline_nothing_is_compared_with_random(run):
    results = tuple(replace(result, baseline=None) for result in run.optimizations)
    assert "random samples" not in " ".join(sentences(replace(run, optimizations=results)))


def test_fewer_than_ten_feasible_molecules_are_said(run):
    (result,) = run.optimizations
    trace = result.search.trace.assign(feasible=lambda table: table["call"].isin([30, 31, 32]))
    changed = replace(result, search=replace(result.search, trace=trace))
    assert "The 3 that keep the constraints of its new" in sentences(replace(run, optimizations=(changed,)))[-1]


def test_several_objectives_have_a_card_each(run):
    (result,) = run.optimizations
    twice = replace(run, optimizations=(result, replace(result, objective="other")))
    titles = [card.title for card in cards(twice)]
    assert titles[-2:] == ["Best ten new: demo", "Best ten new: other"]


def test_uniqueness_is_that_over_the_most_samples(run):
    assert unique_at_most(run.samples.moses) == "unique@10000"
    assert unique_at_most({}) == ""


def test_a_setting_of_the_samples_stands_in_place_of_what_suited_the_prior(run):
    asked = run.settings.sample.model_copy(update={"min_probability": 0.0, "max_nll": 50.0})
    text = " ".join(sentences(replace(run, settings=run.settings.model_copy(update={"sample": asked}))))
    assert "without a code (no string of more than 50.0 nats)," in text
