"""The report's sentences: what was done and what was found, built from the numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from molvae.metrics.metric import Metric
from molvae.report.numerals import count, listed, number, percent, plural
from molvae.report.run_data import Optimization, Run, Search, value_of
from molvae.report.searches import n_new, new_top_mean

PRIORS = {
    "normal": "the standard normal prior",
    "gaussian_mixture": "the Gaussian mixture prior",
    "flow": "the flow prior",
    "decoder": "the decoder run without a code",
}
"""What the priors are called in sentences."""


@dataclass(frozen=True)
class Card:
    """A headline figure.

    Attributes:
        title: What it is.
        figure: The number.
        under: What it was taken over.
    """

    title: str
    figure: str
    under: str


def cards(run: Run) -> list[Card]:
    """Return the headline figures of a run, each with what it was taken over."""
    kept = len(run.preparation.molecules)
    found = [Card("Molecules", count(kept), f"kept of {count(run.preparation.n_read)} read")]
    exact = run.evaluation.metrics.get("exact_reconstruction")
    if exact is not None:
        found.append(Card("Reconstructed", percent(exact.value), f"exactly, of {count(exact.n)} test molecules"))
    moses = run.samples.moses
    named = [("valid", "Valid", "samples"), (unique_at_most(moses), "Unique", "valid samples")]
    for name, title, of in named:
        if name in moses:
            found.append(Card(title, percent(moses[name].value), f"of {count(moses[name].n)} {of}"))
    novelty = run.samples.novelty
    if novelty is not None:
        found.append(Card("Novel", percent(novelty.value), f"of {count(novelty.n)} distinct valid samples"))
    if "FCD/Test" in moses:
        fcd = moses["FCD/Test"]
        found.append(Card("FCD to test", number(fcd.value), f"{count(fcd.n)} samples; lower is better"))
    for result in run.optimizations:
        under = f"{count(len(result.search.trace))} oracle calls"
        training = training_top(result.search, 10)
        if training is not None:
            under += f"; training {number(training, 3)}"
        title = "Best ten new" if len(run.optimizations) == 1 else f"Best ten new: {title_of(result.objective)}"
        found.append(Card(title, number(new_top_mean(result.search.trace, 10), 3), under))
    return found


def title_of(objective: str) -> str:
    """Return an objective's name as people write it."""
    return objective.replace("_", " ")


def unique_at_most(moses: Mapping[str, Metric]) -> str:
    """Return the name of the uniqueness that looks at the most samples; an empty string if there is none."""
    names = [name for name in moses if name.startswith("unique@")]
    return max(names, key=lambda name: int(name.partition("@")[2]), default="")


def training_top(search: Search, top: int) -> float | None:
    """Return the mean score of the best `top` molecules of the whole training set; None if they were not scored."""
    value = search.summary.get(f"training_top{top}_mean")
    return None if value is None else float(value)


def sentences(run: Run) -> list[str]:
    """Say in plain sentences what was done and what came out."""
    said = [_preparation(run), _training(run), _reconstruction(run), _samples(run)]
    return [sentence for sentence in said if sentence] + [_optimization(result) for result in run.optimizations]


def _preparation(run: Run) -> str:
    prepared = run.preparation
    sizes = [
        f"{count(len(prepared.split(split)))} to {purpose}"
        for split, purpose in [("train", "train on"), ("validation", "validate on"), ("test", "test on")]
    ]
    text = (
        f"Of {plural(prepared.n_read, 'molecule')} read, {count(len(prepared.molecules))} were kept: {listed(sizes)}."
    )
    reasons = [f"{reason}: {count(n)}" for reason, n in prepared.rejected.items()]
    n_rejected = sum(prepared.rejected.values())
    lost = [plural(prepared.n_duplicates, "duplicate")] if prepared.n_duplicates else []
    lost += [f"{count(n_rejected)} rejected ({'; '.join(reasons)})"] if reasons else []
    return f"{text} Left out: {listed(lost)}." if lost else f"{text} None was left out."


def _training(run: Run) -> str:
    train, history = run.settings.train, run.history
    best = history.iloc[int(history["validation_loss"].argmin())]
    return (
        f"A {train.cell.upper()} sequence VAE with a code of {train.latent_dim} dimensions and "
        f"{count(run.n_parameters)} parameters was trained on their SELFIES for {plural(len(history), 'epoch')}; the "
        f"weights of epoch {count(best['epoch'])}, with the lowest validation loss, are kept. They predict "
        f"{percent(float(best['validation_token_accuracy']))} of a validation molecule's tokens right."
    )


def _reconstruction(run: Run) -> str:
    measures = run.evaluation.metrics
    exact = measures.get("exact_reconstruction")
    if exact is None:
        return ""
    text = f"From codes alone, it gives back {percent(exact.value)} of {plural(exact.n, 'test molecule')} exactly"
    similarity = measures.get("reconstruction_similarity")
    if similarity is not None:
        text += f"; on average the output has a Tanimoto similarity of {number(similarity.value)} to the input"
    text += "."
    decoded = run.evaluation.decoded
    gap = measures.get("midpoint_gap")
    if gap is not None and not math.isnan(gap.value):
        text += (
            f" Codes drawn around held-out molecules decode to molecules with an FCD of "
            f"{number(value_of(decoded['posterior_samples'], 'fcd'))} to the test molecules, and codes halfway between "
            f"two of them with one of {number(value_of(decoded['midpoints'], 'fcd'))}, over {count(gap.n)} each."
        )
    return text


def _samples(run: Run) -> str:
    moses, sample = run.samples.moses, run.settings.sample
    chosen = run.evaluation.chosen
    name = sample.prior if sample.prior != "best" else (chosen.name if chosen else "best")
    source = PRIORS.get(name, name)
    if sample.temperature != 1.0:
        source += f" at token temperature {sample.temperature:g}"
    bounds = _bounds(run, name)
    if bounds:
        source += f" ({listed(bounds)})"
    parts = []
    if "valid" in moses:
        parts.append(f"{percent(moses['valid'].value)} are valid molecules")
    unique = unique_at_most(moses)
    if unique:
        parts.append(f"{percent(moses[unique].value)} of the valid ones are distinct")
    if run.samples.novelty is not None:
        parts.append(f"{percent(run.samples.novelty.value)} of the distinct ones are not in the training set")
    text = f"Of {plural(len(run.samples.molecules), 'sample')} from {source}, {listed(parts)}."
    if "FCD/Test" in moses:
        text += (
            f" Their Fréchet ChemNet distance to the test molecules is {number(moses['FCD/Test'].value)} (0 is best)."
        )
    return text


def _bounds(run: Run, prior: str) -> list[str]:
    """Return what was left out of the samples, in words."""
    sample, suited = run.settings.sample, next((each for each in run.evaluation.priors if each.name == prior), None)
    least, most = sample.min_probability, sample.max_nll
    if suited is not None:
        least = suited.min_probability if least is None else least
        most = suited.max_nll if most is None else most
    bounds = [f"no token under a probability of {least:g}"] if least else []
    if most is not None:
        bounds.append(f"no string of more than {most:.1f} nats")
    return bounds


def _optimization(result: Optimization) -> str:
    trace = result.search.trace
    n_start = int((trace["origin"] == "start").sum())
    text = f"The search for “{title_of(result.objective)}” spent {plural(len(trace), 'oracle call')}"
    text += f", {count(n_start)} of them on training molecules to start from." if n_start else "."
    text += f" {_best_new(trace)} of its new molecules score {number(new_top_mean(trace, 10), 3)} on average"
    comparisons = []
    training = training_top(result.search, 10)
    if training is not None:
        n_training = count(result.search.summary["n_training"])
        comparisons.append(f"{number(training, 3)} for the ten best of all {n_training} training molecules")
    if result.baseline is not None:
        random = result.baseline.trace
        value = number(new_top_mean(random, 10), 3)
        comparisons.append(f"{value} for {_best_new(random).lower()} of the random samples under the same budget")
    text += f", against {listed(comparisons)}." if comparisons else "."
    text += f" {plural(len(result.candidates), 'new molecule')} are handed out as candidates"
    if result.scored is not None and "passes_filters" in result.scored.molecules:
        passing = int(result.scored.molecules["passes_filters"].astype(bool).sum())
        text += f"; {count(passing)} of them pass the medicinal-chemistry filters"
    return text + "."


def _best_new(trace: pd.DataFrame) -> str:
    """Say how many new molecules a mean of the best ten is over: fewer, where fewer keep the constraints."""
    n = n_new(trace)
    return "The ten best" if n >= 10 else f"The {n} that keep the constraints"
