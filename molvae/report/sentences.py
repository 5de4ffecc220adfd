"""The report's summary: what was done and with what results, in sentences built from the numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from molvae.config import SampleConfig
from molvae.metrics.metric import Metric
from molvae.report.best import N_BEST, best_scores, k_best, n_common, n_training_best, training_top
from molvae.report.numerals import count, inflected, listed, number, percent, plural
from molvae.report.run_data import Optimization, Prior, Run, value_of
from molvae.report.searches import n_new, new_top_mean
from molvae.text import one_line


@dataclass(frozen=True)
class Card:
    """A headline number.

    Attributes:
        title: What it is.
        value: The number, as it is shown.
        under: The molecules that it was computed on.
    """

    title: str
    value: str
    under: str


def cards(run: Run) -> list[Card]:
    """Return the headline numbers of a run, each with the molecules that it was computed on."""
    kept = len(run.preparation.molecules)
    shown = [Card("Molecules", count(kept), f"kept of {count(run.preparation.n_read)} read{_isomers(run)}")]
    exact = run.evaluation.metrics.get("exact_reconstruction")
    if exact is not None:
        shown.append(Card("Reconstructed", percent(exact.value), f"exactly, of {plural(exact.n, 'test molecule')}"))
    moses = run.samples.moses
    named = [("valid", "Valid", "sample"), (unique_at_most(moses), "Unique", "valid sample")]
    for name, title, noun in named:
        if name in moses:
            shown.append(Card(title, percent(moses[name].value), f"of {plural(moses[name].n, noun)}"))
    novelty = run.samples.novelty
    if novelty is not None:
        shown.append(Card("Novel", percent(novelty.value), f"of {plural(novelty.n, 'distinct valid sample')}"))
    if "FCD/Test" in moses:
        fcd = moses["FCD/Test"]
        shown.append(Card("FCD to test set", number(fcd.value), f"{plural(fcd.n, 'sample')}; lower is better"))
    return [*shown, *(_best_card(result, is_only=len(run.optimizations) == 1) for result in run.optimizations)]


def _best_card(result: Optimization, *, is_only: bool) -> Card:
    n = n_new(result.search.trace)
    k = n_common(n) if n else N_BEST
    score = "score" if k == 1 else "mean score"
    under = f"{score}; {plural(len(result.search.trace), 'oracle call')}"
    training, n_training = training_top(result.search, k), n_training_best(result.search)
    if training is not None:
        whose = "training set" if n_training >= k else f"{k_best(n_training)} of training set"
        under += f"; {whose} {number(training, 3)}"
    title = f"{k_best(k).capitalize()} new"
    value = number(new_top_mean(result.search.trace, k), 3)
    return Card(title if is_only else f"{title}: {title_of(result.objective)}", value, under)


def title_of(objective: str) -> str:
    """Return an objective's name as people write it."""
    return objective.replace("follow_up", "follow-up").replace("_", " ")


def unique_at_most(moses: Mapping[str, Metric]) -> str:
    """Return the name of the uniqueness over the most samples; an empty string if there is none."""
    names = [name for name in moses if name.startswith("unique@")]
    return max(names, key=lambda name: int(name.partition("@")[2]), default="")


def valid_ones(moses: Mapping[str, Metric], unique: str) -> str:
    """Say over which samples a uniqueness is: over the first valid ones if there are more."""
    n, n_valid = moses[unique].n, moses["valid"].n * moses["valid"].value if "valid" in moses else 0.0
    return f"the first {n:,} valid ones" if n < round(n_valid) else "the valid ones"


def why_none(n_scored: int) -> str:
    """Say why a search has no candidates, where so many new molecules were scored and satisfy the constraints."""
    if n_scored:
        return "No new molecule has a score above 0: each misses a target entirely."
    return "No new molecule satisfies all constraints."


def sentences(run: Run) -> list[str]:
    """Summarise in plain sentences what was done and with what results."""
    paragraphs = [_preparation(run), _training(run), _reconstruction(run), _samples(run)]
    return [paragraph for paragraph in paragraphs if paragraph] + [
        describe_optimization(result) for result in run.optimizations
    ]


def _preparation(run: Run) -> str:
    prepared = run.preparation
    sizes = [
        f"{count(len(prepared.split(split)))} for {purpose}"
        for split, purpose in [("train", "training"), ("validation", "validation"), ("test", "testing")]
    ]
    kept = len(prepared.molecules)
    text = (
        f"Of {plural(prepared.n_read, 'molecule')} read{_isomers(run)}, {count(kept)} "
        f"{inflected(kept, 'was', 'were')} kept: {listed(sizes)}."
    )
    reasons = [f"{reason}: {count(n)}" for reason, n in prepared.rejected.items()]
    n_rejected = sum(prepared.rejected.values())
    excluded = [plural(prepared.n_duplicates, "duplicate")] if prepared.n_duplicates else []
    excluded += [f"{plural(n_rejected, 'rejected row')} ({'; '.join(reasons)})"] if reasons else []
    return f"{text} Excluded: {listed(excluded)}." if excluded else f"{text} None was excluded."


def _isomers(run: Run) -> str:
    n = run.preparation.n_stereoisomers
    return f" and {plural(n, 'further stereoisomer')}" if n else ""


def _training(run: Run) -> str:
    model, history = run.model, run.history
    best = history.iloc[int(history["validation_loss"].argmin())]
    return (
        f"A variational autoencoder ({model.cell.upper()}, {model.latent_dim} latent dimensions, "
        f"{count(model.n_parameters)} parameters) {_trained_on(run)} for "
        f"{plural(len(history), 'epoch')}; the weights of epoch {count(best['epoch'])}, which has the lowest "
        f"validation loss, were kept{_averaged(run)}. They predict "
        f"{percent(float(best['validation_token_accuracy']))} of the validation molecules’ tokens correctly."
    )


def _trained_on(run: Run) -> str:
    """Say what the model was trained on, and where it began if that was not at random weights."""
    base = run.model.init_from
    if base is None:
        return "was trained on the SELFIES strings of the training molecules"
    molecules = plural(len(run.preparation.split("train")), "training molecule")
    text = f"began as {one_line(base)} and was trained further on the SELFIES strings of the {molecules}"
    replay = run.settings.train.replay
    return f"{text}, with {percent(replay)} of each step generated by the model it began as," if replay else text


def _averaged(run: Run) -> str:
    weight = run.settings.train.start_weight if run.model.init_from is not None else 0.0
    return f", averaged with those it began with (which count {percent(weight)})" if weight else ""


def _reconstruction(run: Run) -> str:
    measures = run.evaluation.metrics
    exact = measures.get("exact_reconstruction")
    if exact is None:
        return ""
    text = (
        f"From the latent code alone, the model reconstructs {percent(exact.value)} of "
        f"{plural(exact.n, 'test molecule')} exactly"
    )
    similarity = measures.get("reconstruction_similarity")
    if similarity is not None:
        text += f"; the mean Tanimoto similarity (ECFP4, 2,048 bits) of output to input is {number(similarity.value)}"
    text += "."
    decoded = run.evaluation.decoded
    gap = measures.get("midpoint_gap")
    if gap is not None and not math.isnan(gap.value):
        text += (
            " Molecules decoded from codes drawn around held-out molecules have a Fréchet ChemNet distance (FCD) of "
            f"{number(value_of(decoded['posterior_samples'], 'fcd'))} to the test molecules; for codes halfway between "
            f"two held-out molecules it is {number(value_of(decoded['midpoints'], 'fcd'))} ({count(gap.n)} codes each)."
        )
    return text


def _samples(run: Run) -> str:
    moses, sample = run.samples.moses, run.settings.sample
    prior = run.evaluation.chosen if sample.prior == "best" else run.evaluation.prior(sample.prior)
    source = prior.phrase if prior is not None else f"the prior {sample.prior}"
    if sample.temperature != 1.0:
        source += f" at token temperature {sample.temperature:g}"
    # Without effect on the decoder, which draws no codes.
    if sample.prior_temperature != 1.0 and (prior is None or prior.name != "decoder"):
        source += f" at prior temperature {sample.prior_temperature:g}"
    bounds = _bounds(sample, prior)
    if bounds:
        source += f" ({listed(bounds)})"
    parts = []
    if "valid" in moses:
        parts.append(f"{percent(moses['valid'].value)} are valid molecules (which SELFIES nearly guarantees)")
    unique = unique_at_most(moses)
    if unique:
        parts.append(f"{percent(moses[unique].value)} of {valid_ones(moses, unique)} are distinct")
    if run.samples.novelty is not None:
        parts.append(f"{percent(run.samples.novelty.value)} of the distinct ones are not in the training set")
    text = f"Of {plural(len(run.samples.molecules), 'sample')} from {source}, {listed(parts)}."
    if "FCD/Test" in moses:
        text += (
            f" Their Fréchet ChemNet distance (FCD) to the test molecules is {number(moses['FCD/Test'].value)} (0 is "
            "best)."
        )
    return text


def _bounds(sample: SampleConfig, prior: Prior | None) -> list[str]:
    """Return the bounds that the samples were drawn under, and whether a discriminator chose among them, in words."""
    min_probability, max_nll, correction = sample.min_probability, sample.max_nll, sample.correction
    if prior is not None:
        correction = prior.correction if correction is None else correction
        min_probability = prior.min_probability if min_probability is None else min_probability
        max_nll = prior.max_nll if max_nll is None else max_nll
    bounds = [f"no token with a probability below {min_probability:g}"] if min_probability else []
    if max_nll is not None:
        bounds.append(f"no molecule with a negative log-likelihood above {max_nll:.1f} nats")
    if correction:
        bounds.append(f"accepted by a discriminator with a correction of {correction:g}")
    return bounds


def describe_optimization(result: Optimization) -> str:
    """Say what a search spent, how good its best new molecules are, and how many candidates there are."""
    trace = result.search.trace
    n_start = int((trace["origin"] == "start").sum())
    text = f"The search for “{title_of(result.objective)}” used {plural(len(trace), 'oracle call')} (molecules scored)"
    n_known = result.search.summary.get("n_start_outside_budget", 0)
    # Beside molecules outside the budget, only the lead is scored first.
    first = "the lead" if n_known else "the molecules it started from"
    text += f", {count(n_start)} of them for {first}." if n_start else "."
    if n_known:
        text += f" It started from the {count(n_known)} best training molecules, which were scored outside this budget."
    return f"{text} {best_scores(result)} {_proposed(result)}"


def _proposed(result: Optimization) -> str:
    """Say how many candidates there are, and how many of them pass the filters."""
    n = len(result.candidates)
    text = f"{plural(n, 'new molecule')} {inflected(n, 'is proposed as a candidate', 'are proposed as candidates')}"
    if result.scored is not None and "passes_filters" in result.scored.molecules:
        passing = int(result.scored.molecules["passes_filters"].astype(bool).sum())
        text += f", of which {count(passing)} {inflected(passing, 'passes', 'pass')} the MOSES filters"
    return f"{text}."
