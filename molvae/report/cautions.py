"""What a reader of the results should be careful about, each with the number that says so.

The bounds are habits of reading rather than laws; every sentence shows its figure, so that a reader can disagree.
"""

from collections.abc import Iterator, Mapping

from molvae.report.numerals import count, number, percent, plural
from molvae.report.run_data import Optimization, Run, value_of
from molvae.report.searches import new_top_mean
from molvae.report.sentences import PRIORS, title_of, training_top, unique_at_most

MANY_REJECTED = 0.05
FEW_ACTIVE_UNITS = 0.1
COLLAPSED_NATS = 1.0
LOW_RECONSTRUCTION = 0.4
SMALL_GAIN = 0.1
OVERFITTED = 1.25
STILL_FALLING = 0.01
HIGH_FCD = 3.0
LOW_VALIDITY = 0.95
LOW_UNIQUENESS = 0.95
LOW_NOVELTY = 0.6
FAR_FROM_BOUND = 3.0
ROUGH_SPACE = 2.5
SMALL_TEST = 1000
CLOSE_ANALOGUE = 0.8
HARD_TO_MAKE = 4.5
MANY_FAILED = 0.01
SMALL_MARGIN = 0.01


def cautions(run: Run, sources: Mapping[str, str]) -> list[str]:
    """Return what to be careful about, in the order of the stages.

    Args:
        run: The run.
        sources: Digest of the package's source by stage, for the stages that recorded one.
    """
    found = [*_preparation(run), *_training(run), *_reconstruction(run), *_latent_space(run), *_samples(run)]
    for result in run.optimizations:
        found += _optimization(result)
    if len(set(sources.values())) > 1:
        found.append(f"The stages ran with different versions of the package's source ({', '.join(sources)}).")
    found.append(
        "Scores and properties are computed, none is measured; and all figures come from one seed, so that their "
        "spread is not known."
    )
    return found


def _preparation(run: Run) -> Iterator[str]:
    rejected = sum(run.preparation.rejected.values())
    if run.preparation.n_read and rejected > MANY_REJECTED * run.preparation.n_read:
        share = percent(rejected / run.preparation.n_read)
        yield f"{share} of the molecules read were rejected: the results hold for the kind that was kept."


def _training(run: Run) -> Iterator[str]:
    loss = run.history["validation_loss"]
    if len(loss) > 1 and loss.idxmin() == loss.index[-1] and loss.iloc[-1] < (1 - STILL_FALLING) * loss.iloc[-2]:
        fall = percent(1 - loss.iloc[-1] / loss.iloc[-2])
        yield f"Training was not finished: the validation loss still fell by {fall} in the last epoch."
    best = run.history.iloc[int(loss.argmin())]
    train, validation = best["train_unconditional_nats"], best["validation_unconditional_nats"]
    if validation > OVERFITTED * train:
        yield (
            f"The decoder is overfitted: without a code, a validation molecule costs {number(validation, 1)} nats and "
            f"a training molecule {number(train, 1)}."
        )


def _reconstruction(run: Run) -> Iterator[str]:
    exact = value_of(run.evaluation.metrics, "exact_reconstruction")
    active = value_of(run.evaluation.metrics, "active_units")
    latent_dim = run.settings.train.latent_dim
    given = value_of(run.evaluation.metrics, "reconstruction_nats")
    without = value_of(run.evaluation.metrics, "unconditional_nats")
    kl = value_of(run.evaluation.metrics, "kl_nats")
    few, low = active < FEW_ACTIVE_UNITS * latent_dim, exact < LOW_RECONSTRUCTION
    if low and (few or kl < COLLAPSED_NATS or without - given < SMALL_GAIN * without):
        yield (
            f"The posterior has collapsed, so the codes carry next to nothing: they hold {number(kl, 1)} nats, a "
            f"molecule costs {number(given, 1)} nats with its code and {number(without, 1)} without, {number(active)} "
            f"of {latent_dim} latent dimensions vary with the molecule, and {percent(exact)} of the test molecules are "
            "reconstructed. The map and a search around a code mean little. Train longer, or with a lower "
            "train.kl_weight."
        )
    elif low:
        yield (
            f"Reconstruction is low ({percent(exact)}): a code stands for a molecule only roughly, so a search around "
            "it is imprecise. More epochs or a lower train.kl_weight help."
        )
    elif few:
        yield f"Only {number(active)} of {latent_dim} latent dimensions vary with the molecule."
    n = run.evaluation.metrics["exact_reconstruction"].n if "exact_reconstruction" in run.evaluation.metrics else 0
    if 0 < n < SMALL_TEST:
        yield f"Reconstruction is measured on {plural(n, 'molecule')} only: its figures are rough."


def _latent_space(run: Run) -> Iterator[str]:
    measures, decoded = run.evaluation.metrics, run.evaluation.decoded
    chosen = run.evaluation.chosen
    gap = value_of(measures, "prior_gap")
    if gap > FAR_FROM_BOUND:
        prior, bound = (number(value_of(decoded[name], "fcd")) for name in ("prior", "posterior_samples"))
        yield (
            f"The prior is broken: {PRIORS.get(chosen.name, chosen.name) if chosen else 'the prior'} gives an FCD of "
            f"{prior}, {number(gap, 1)} times that of codes drawn around held-out molecules ({bound}). The decoder can "
            "do better than what it is given to decode; try further priors in train.priors, or train.code_dropout."
        )
    gap = value_of(measures, "midpoint_gap")
    if gap > ROUGH_SPACE:
        yield (
            f"The latent space is rough: codes halfway between two molecules decode to an FCD {number(gap, 1)} times "
            "that of codes drawn around molecules, so a search between codes leaves what the model knows; as "
            f"interpolation decodes them it is {number(value_of(measures, 'interpolation_gap'), 1)} times."
        )


def _samples(run: Run) -> Iterator[str]:
    moses = run.samples.moses
    if value_of(moses, "valid") < LOW_VALIDITY:
        yield f"Only {percent(value_of(moses, 'valid'))} of the samples are valid molecules."
    unique = value_of(moses, unique_at_most(moses))
    if unique < LOW_UNIQUENESS:
        yield f"Samples repeat: {percent(unique)} of the valid ones are distinct."
    novelty = run.samples.novelty
    if novelty is not None and novelty.value < LOW_NOVELTY:
        yield (
            f"The model remembers: {percent(1 - novelty.value)} of the distinct samples are training "
            "molecules, which also flatters the FCD."
        )
    if value_of(moses, "FCD/Test") > HIGH_FCD:
        yield (
            "The samples are not yet distributed as the molecules trained on "
            f"(FCD {number(value_of(moses, 'FCD/Test'))}, 0 is best); more training molecules or epochs help."
        )
    fcd = moses.get("FCD/Test")
    if fcd is not None and fcd.warning:
        yield (
            f"The FCD is taken over {plural(fcd.n, 'sample')} and {plural(fcd.n_reference or 0, 'test molecule')}: it "
            "falls with their numbers, so compare it only with figures at the same."
        )
    chosen = run.evaluation.chosen
    if run.settings.sample.prior == "best" and chosen is not None and chosen.name == "decoder":
        yield (
            "The samples come from the decoder without a code, the prior with the lowest FCD to the validation "
            "molecules. Codes drawn from a prior over the latent space decode to poorer molecules (see the priors)."
        )


def _optimization(result: Optimization) -> Iterator[str]:
    trace, name = result.search.trace, f"“{title_of(result.objective)}”"
    best = new_top_mean(trace, 10)
    training = training_top(result.search, 10)
    if training is not None and best < training + SMALL_MARGIN:
        yield (
            f"{name}: the best new molecules are not better than the best training molecules ({number(best, 3)}, "
            f"{number(training, 3)})."
        )
    if result.baseline is not None:
        random = new_top_mean(result.baseline.trace, 10)
        if best < random + SMALL_MARGIN:
            yield f"{name}: the search is not better than random samples ({number(best, 3)}, {number(random, 3)})."
    failed = int((trace["status"] != "ok").sum())
    if failed > MANY_FAILED * len(trace):
        yield f"{name}: {count(failed)} of {plural(len(trace), 'oracle call')} failed to give a score."
    yield from _candidates(result, name)


def _candidates(result: Optimization, name: str) -> Iterator[str]:
    candidates = result.candidates
    if not len(candidates):
        yield f"{name}: no new molecule keeps all constraints, so there is no candidate."
        return
    close = int((candidates["nearest_train_similarity"] > CLOSE_ANALOGUE).sum())
    if close:
        yield (
            f"{name}: {count(close)} of {plural(len(candidates), 'candidate')} are close analogues of a training "
            f"molecule (Tanimoto similarity above {CLOSE_ANALOGUE})."
        )
    if "sa_score" in candidates and candidates["sa_score"].median() > HARD_TO_MAKE:
        median = number(candidates["sa_score"].median(), 1)
        yield f"{name}: the candidates may be hard to make (median SA score {median}, from 1, easy, to 10)."
    if result.scored is not None and "passes_filters" in result.scored.molecules:
        failing = int((~result.scored.molecules["passes_filters"].astype(bool)).sum())
        if failing:
            yield (
                f"{name}: {count(failing)} of {plural(len(candidates), 'candidate')} do not pass the "
                "medicinal-chemistry filters; the table says why."
            )
