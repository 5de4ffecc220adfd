import json
from dataclasses import replace
from pathlib import Path

import pytest

from molvae.metrics.registry import measured
from molvae.report.cautions import candidate_cautions, model_cautions
from molvae.report.model_sections import metric_sections
from molvae.report.run_data import Run, Search, load_run


def with_evaluation(run: Run, **values: float) -> Run:
    metrics = {name: measured(name, value, 5000) for name, value in values.items()}
    return replace(run, evaluation=replace(run.evaluation, metrics={**run.evaluation.metrics, **metrics}))


def with_moses(run: Run, **values: float) -> Run:
    metrics = {name: measured(name, value, 10_000) for name, value in values.items()}
    novelty = metrics.get("Novelty", run.samples.novelty)
    return replace(run, samples=replace(run.samples, moses={**run.samples.moses, **metrics}, novelty=novelty))


def text_of(run: Run, sources: dict[str, str] | None = None) -> str:
    of_candidates = [text for result in run.optimizations for text in candidate_cautions(result)]
    return " ".join([*model_cautions(run, sources or {}), *of_candidates])


@pytest.mark.parametrize(
    ("active", "given", "kl"),
    [(2.0, 3.0, 50.0), (60.0, 24.0, 50.0), (60.0, 3.0, 0.2)],
    ids=["few dimensions", "little gain", "no divergence"],
)
def test_codes_that_carry_nothing_are_called_that(run, active, given, kl):
    values = {"active_units": active, "reconstruction_nats": given, "unconditional_nats": 25.0, "kl_nats": kl}
    text = text_of(with_evaluation(run, exact_reconstruction=0.0, **values))
    assert "The posterior has collapsed: the latent codes carry almost no information" in text
    assert f"{active:.0f} of 64 latent dimensions are active, and 0\u00a0%" in text


def test_low_reconstruction_alone_is_no_collapse(run):
    text = text_of(with_evaluation(run, exact_reconstruction=0.2, active_units=60.0))
    assert "Reconstruction is low (20.0\u00a0%)" in text
    assert "collapsed" not in text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("prior_gap", "The prior fits poorly: the unconditional decoder gives an FCD of 4.10, 4.5 times"),
        ("midpoint_gap", "The latent space is rough: codes halfway between two molecules give an FCD 4.5 times"),
    ],
)
def test_a_gap_to_the_bound_is_named_with_its_size(run, name, said):
    assert said in text_of(with_evaluation(run, **{name: 4.5}))
    assert said[:20] not in text_of(with_evaluation(run, **{name: 1.5}))
    assert said[:20] not in text_of(with_evaluation(run, **{name: float("nan")}))


def test_broken_aromatic_rings_are_compared_with_those_of_the_test_molecules(run):
    said = (
        "3.1\u00a0% of the samples have a ring that is not aromatic in spite of two conjugated double bonds, where 0.5"
    )
    assert said in text_of(with_evaluation(run, broken_aromatics=0.031, broken_aromatics_test=0.005))
    assert "conjugated" not in text_of(with_evaluation(run, broken_aromatics=0.031, broken_aromatics_test=0.03))


def with_head(folder: Path, **values: float) -> None:
    """Give the evaluation of a run the metrics of a property head."""
    file = folder / "evaluate" / "metrics.json"
    head = {name: {"value": value, "n": 80, "definition": "A fit."} for name, value in values.items()}
    file.write_text(json.dumps({**json.loads(file.read_text()), "property_head": {"pIC50": head}}))


@pytest.mark.parametrize(
    ("r2", "baseline", "said"),
    [
        (-0.2, -0.5, "The property head is no better for pIC50 than the mean of its values (R² -0.20 on"),
        (0.3, 0.6, "worse for pIC50 than a model without codes (R² 0.30 and 0.60 on the test molecules)"),
        (0.7, 0.6, ""),
    ],
)
def test_a_poor_property_head_is_pointed_out(own_folder, run, r2, baseline, said):
    with_head(own_folder, r2_test=r2, rmse_test=0.5, baseline_r2_test=baseline)
    changed = load_run(own_folder, run.settings)
    text = text_of(changed)
    assert (said in text) if said else ("property head" not in text)
    (section,) = metric_sections(changed)
    titles = [row.title for row in section.content["model_rows"]]
    assert "R² of pIC50, test, property head" in titles
    assert "R² of pIC50, test, without codes" in titles


def test_test_molecules_that_the_model_cannot_read_are_counted(own_folder, run):
    file = own_folder / "evaluate" / "metrics.json"
    assert "tokens" not in text_of(run)
    file.write_text(json.dumps({**json.loads(file.read_text()), "unknown_tokens": {"test": 3, "validation": 0}}))
    said = "3 of 8 test molecules have tokens that the model does not know"
    assert said in text_of(load_run(own_folder, run.settings))


def test_a_good_model_is_not_warned_about(run):
    text = text_of(with_evaluation(run, exact_reconstruction=0.95, active_units=60.0))
    assert "Reconstruction" not in text
    assert "dimensions" not in text


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("valid", 0.8, "Only 80.0\u00a0% of the samples are valid"),
        ("Novelty", 0.3, "has memorised training molecules: they are 70.0\u00a0% of the distinct samples"),
        ("FCD/Test", 9.0, "distribution still differs from that of the dataset (FCD 9)"),
        ("unique@10000", 0.5, "Samples are often repeated: only 50.0\u00a0%"),
    ],
)
def test_poor_samples_are_pointed_out_with_the_number(run, name, value, said):
    assert said.rstrip(")") in text_of(with_moses(run, **{name: value}))
    assert said.rstrip(")") not in text_of(with_moses(run, **{name: 0.99}))


def test_a_search_without_improvement_is_reported(run):
    (result,) = run.optimizations
    better = {**result.search.summary, "training_best_scores": [0.999] * 10}
    changed = replace(result, search=replace(result.search, summary=better))
    said = "The ten best new molecules are no better than the ten best training molecules (mean score"
    assert said in text_of(replace(run, optimizations=(changed,)))


def with_feasible(search: Search, scores: list[float]) -> Search:
    """Return a search whose new molecules within the constraints have these scores."""
    trace = search.trace.assign(in_training=False, feasible=False)
    rows = trace.index[: len(scores)]
    trace.loc[rows, "feasible"] = True
    trace.loc[rows, "score"] = scores
    return replace(search, trace=trace)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([0.9, 0.5], ""),
        ([0.3, 0.2], "(mean score of the 2 best new molecules 0.250 and 0.850)"),
        ([0.3], "(score of the best new molecule 0.300 and 0.900)"),
        ([], ""),
    ],
)
def test_a_search_is_compared_with_equally_many_random_samples(run, found, said):
    (result,) = run.optimizations
    random = [0.9, 0.8, *[0.1] * 8] if len(found) > 1 and said else [0.9, *[0.1] * 9]
    baseline = with_feasible(result.baseline, random)
    text = " ".join(candidate_cautions(replace(result, search=with_feasible(result.search, found), baseline=baseline)))
    assert (f"The search is no better than random sampling {said}" in text) if said else ("random" not in text)


def test_a_search_is_compared_with_equally_many_training_molecules(run):
    (result,) = run.optimizations
    search = with_feasible(result.search, [0.9, *[0.1] * 9])
    for best, said in (([0.5], ""), ([0.95], "The best new molecule is no better than the best training molecule")):
        changed = replace(search, summary={**search.summary, "training_best_scores": best})
        text = " ".join(candidate_cautions(replace(result, search=changed, baseline=None)))
        assert (f"{said} (score 0.900 and 0.950)." in text) if said else ("no better" not in text)


@pytest.mark.parametrize(
    ("n_close", "said"),
    [
        (1, "1 of 20 candidates is a close analogue of a training molecule (Tanimoto"),
        (2, "2 of 20 candidates are close analogues of training molecules (Tanimoto"),
    ],
)
def test_close_analogues_are_counted_in_a_sentence_that_agrees(run, n_close, said):
    (result,) = run.optimizations
    similarity = [0.9] * n_close + [0.5] * (len(result.candidates) - n_close)
    changed = replace(result, candidates=result.candidates.assign(nearest_train_similarity=similarity))
    assert said in text_of(replace(run, optimizations=(changed,)))


@pytest.mark.parametrize(("clusters", "said"), [([1], "belong to 1 cluster"), ([1, 2], "2 clusters"), ([1, 2, 3], "")])
def test_candidates_of_one_series_are_pointed_out(run, clusters, said):
    (search,) = run.optimizations
    n = len(search.candidates)
    candidates = search.candidates.assign(cluster=[clusters[row % len(clusters)] for row in range(n)])
    text = " ".join(candidate_cautions(replace(search, candidates=candidates)))
    assert n > 5
    assert (said in text) if said else ("cluster" not in text)


def test_no_candidate_is_said(run):
    (result,) = run.optimizations
    assert "there are no candidates" in text_of(
        replace(run, optimizations=(replace(result, candidates=result.candidates.head(0)),))
    )


def test_stages_of_different_sources_are_said(run):
    assert "different versions" in text_of(run, {"prepare/summary.json": "a", "train/model/config.json": "b"})
    assert "different versions" not in text_of(run, {"prepare/summary.json": "a", "train/model/config.json": "a"})


def test_training_that_was_stopped_early_is_said(run):
    flat = run.history.assign(validation_loss=1.0)
    assert "Training had not converged" in text_of(run)
    assert "Training had not converged" not in text_of(replace(run, history=flat))


def test_one_seed_is_always_said(run):
    assert "a single seed" in model_cautions(run, {})[-1]
