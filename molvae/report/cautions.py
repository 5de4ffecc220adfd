"""What a reader of the results should be careful about, each with the number that says so.

The thresholds are rules of thumb; every sentence shows its number, so that a reader can disagree.
"""

from collections.abc import Iterator, Mapping

from molvae.chem.selection import N_SUGGESTED
from molvae.report.best import k_best, n_common, n_training_best, training_top
from molvae.report.numerals import count, inflected, number, percent, plural
from molvae.report.run_data import Optimization, Run, value_of
from molvae.report.searches import n_new, new_top_mean
from molvae.report.sentences import unique_at_most, valid_ones, why_none

MANY_REJECTED = 0.05
FEW_ACTIVE_UNITS = 0.1
COLLAPSED_KL = 1.0
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
MANY_UNSEEN = 0.05
MANY_OUTSIDE = 0.03
MANY_ALERTS = 0.2
MANY_BROKEN = 0.01
FEW_CLUSTERS = 3


def model_cautions(run: Run, sources: Mapping[str, str]) -> list[str]:
    """Return what to be careful about with the model and its samples, in the order of the stages.

    Args:
        run: The run.
        sources: Digest of the package's source by stage, for the stages that recorded one.
    """
    of_model = [*_training(run), *_reconstruction(run), *_property_head(run), *_latent_space(run)]
    texts = [*_preparation(run), *of_model, *_samples(run)]
    if len(set(sources.values())) > 1:
        texts.append(f"The stages ran with different versions of molvae’s source code ({', '.join(sources)}).")
    computed = "The scores and properties of generated molecules are computed, not measured."
    is_repeated = bool(run.optimizations) and all(result.further for result in run.optimizations)
    single = "The model and its samples" if is_repeated else "All results"
    texts.append(f"{computed} {single} come from a single seed, so their variation between seeds is unknown.")
    return texts


def _preparation(run: Run) -> Iterator[str]:
    rejected = sum(run.preparation.rejected.values())
    if (n := run.preparation.n_considered) and rejected > MANY_REJECTED * n:
        of_isomers = " and stereoisomers added" if run.preparation.n_stereoisomers else ""
        yield (
            f"{percent(rejected / n)} of the rows read{of_isomers} were rejected: the results hold only for molecules "
            "like those kept."
        )


def _training(run: Run) -> Iterator[str]:
    loss = run.history["validation_loss"]
    if len(loss) > 1 and loss.idxmin() == loss.index[-1] and loss.iloc[-1] < (1 - STILL_FALLING) * loss.iloc[-2]:
        fall = percent(1 - loss.iloc[-1] / loss.iloc[-2])
        yield f"Training had not converged: the validation loss still fell by {fall} in the last epoch."
    best = run.history.iloc[int(loss.argmin())]
    train, validation = best["train_unconditional_nats"], best["validation_unconditional_nats"]
    if validation > OVERFITTED * train:
        yield (
            "The decoder is overfitted: its unconditional negative log-likelihood is "
            f"{number(validation, 1)} nats for a validation molecule and {number(train, 1)} for a training molecule."
        )


def _reconstruction(run: Run) -> Iterator[str]:
    exact = value_of(run.evaluation.metrics, "exact_reconstruction")
    active = value_of(run.evaluation.metrics, "active_units")
    latent_dim = run.model.latent_dim
    conditional = value_of(run.evaluation.metrics, "reconstruction_nats")
    unconditional = value_of(run.evaluation.metrics, "unconditional_nats")
    kl = value_of(run.evaluation.metrics, "kl_nats")
    few, low = active < FEW_ACTIVE_UNITS * latent_dim, exact < LOW_RECONSTRUCTION
    if low and (few or kl < COLLAPSED_KL or unconditional - conditional < SMALL_GAIN * unconditional):
        yield (
            f"The posterior has collapsed: the latent codes carry almost no information. Their KL divergence is "
            f"{number(kl, 1)} nats, a molecule’s negative log-likelihood is {number(conditional, 1)} nats given its "
            f"code and {number(unconditional, 1)} without it, {number(active)} of {latent_dim} latent dimensions are "
            f"active, and {percent(exact)} of the test molecules are reconstructed. The map and a search around a code "
            "mean little. Train longer, or with a lower train.kl_weight."
        )
    elif low:
        yield (
            f"Reconstruction is low ({percent(exact)}): a latent code represents its molecule only roughly, so a "
            "search around it is imprecise. More epochs or a lower train.kl_weight help."
        )
    elif few:
        yield f"Only {number(active)} of {latent_dim} latent dimensions {inflected(int(active), 'is', 'are')} active."
    n = run.evaluation.metrics["exact_reconstruction"].n if "exact_reconstruction" in run.evaluation.metrics else 0
    unread = run.evaluation.unknown_tokens.get("test", 0)
    if unread:
        n_test = len(run.preparation.split("test"))
        yield (
            f"{count(unread)} of {plural(n_test, 'test molecule')} {inflected(unread, 'has', 'have')} tokens that the "
            "model does not know: it cannot read them, and they are in no metric of reconstruction."
        )
    if 0 < n < SMALL_TEST:
        yield f"Reconstruction is measured on only {plural(n, 'molecule')}, so its metrics are imprecise."


def _property_head(run: Run) -> Iterator[str]:
    for name, metrics in run.evaluation.property_head.items():
        r2, other = value_of(metrics, "r2_test"), value_of(metrics, "baseline_r2_test")
        if r2 <= 0.0:
            yield (
                f"The property head is no better for {name} than the mean of its values (R² {number(r2)} on the test "
                "molecules): do not search by it."
            )
        elif r2 < other:
            yield (
                f"The property head is worse for {name} than a model without codes (R² {number(r2)} and "
                f"{number(other)} on the test molecules): search by a learned term in its place."
            )


def _latent_space(run: Run) -> Iterator[str]:
    measures, decoded = run.evaluation.metrics, run.evaluation.decoded
    chosen = run.evaluation.chosen
    gap = value_of(measures, "prior_gap")
    if gap > FAR_FROM_BOUND:
        prior, bound = (number(value_of(decoded[name], "fcd")) for name in ("prior", "posterior_samples"))
        yield (
            f"The prior fits poorly: {chosen.phrase if chosen else 'the prior'} gives an FCD of "
            f"{prior}, {number(gap, 1)} times that of codes drawn around held-out molecules ({bound}). The decoder can "
            "do better than the codes it is given; try other priors in train.priors, or train.code_dropout."
        )
    gap = value_of(measures, "midpoint_gap")
    if gap > ROUGH_SPACE:
        yield (
            f"The latent space is rough: codes halfway between two molecules give an FCD {number(gap, 1)} times that "
            "of codes drawn around molecules, so a search between codes leaves the training distribution; the "
            f"package’s interpolation gives {number(value_of(measures, 'interpolation_gap'), 1)} times."
        )


def _samples(run: Run) -> Iterator[str]:
    yield from _odd_samples(run)
    moses = run.samples.moses
    if value_of(moses, "valid") < LOW_VALIDITY:
        yield f"Only {percent(value_of(moses, 'valid'))} of the samples are valid molecules."
    unique = unique_at_most(moses)
    if value_of(moses, unique) < LOW_UNIQUENESS:
        yield (
            f"Samples are often repeated: only {percent(value_of(moses, unique))} of {valid_ones(moses, unique)} are "
            "distinct."
        )
    novelty = run.samples.novelty
    if novelty is not None and novelty.value < LOW_NOVELTY:
        yield (
            f"The model has memorised training molecules: they are {percent(1 - novelty.value)} of the distinct "
            "samples, which also lowers (flatters) the FCD."
        )
    if value_of(moses, "FCD/Test") > HIGH_FCD:
        yield (
            "The samples’ distribution still differs from that of the dataset "
            f"(FCD {number(value_of(moses, 'FCD/Test'))}, 0 is best); more training molecules or epochs help."
        )
    fcd = moses.get("FCD/Test")
    if fcd is not None and fcd.warning:
        yield (
            f"The FCD is computed on {plural(fcd.n, 'sample')} and {plural(fcd.n_reference or 0, 'test molecule')}. It "
            "depends on the size of both sets: compare only values from equally large sets."
        )
    chosen = run.evaluation.chosen
    if run.settings.sample.prior == "best" and chosen is not None and chosen.name == "decoder":
        yield (
            "The samples come from the unconditional decoder, which had the lowest FCD to the validation molecules of "
            "all priors: they are not decoded from latent codes. Codes drawn from a prior over the latent space decode "
            "to poorer molecules (see “Priors compared”)."
        )


def _odd_samples(run: Run) -> Iterator[str]:
    """Say how many samples a chemist would look at twice."""
    molecules = run.samples.molecules
    valid = molecules[molecules["valid"].astype(bool)]
    if "known_ring_systems" in valid and (unseen := float((valid["known_ring_systems"] < 1.0).mean())) > MANY_UNSEEN:
        yield f"{percent(unseen)} of the samples have a ring system that no training molecule has."
    broken, natural = (value_of(run.evaluation.metrics, f"broken_aromatics{of}") for of in ("", "_test"))
    if broken - natural > MANY_BROKEN:
        yield (
            f"{percent(broken)} of the samples have a ring that is not aromatic in spite of two conjugated double "
            f"bonds, where {percent(natural)} of the test molecules do: most are arenes that lost a double bond."
        )
    if "anomaly_percentile" in valid and (far := float((valid["anomaly_percentile"] > 99.0).mean())) > MANY_OUTSIDE:
        yield (
            f"{percent(far)} of the samples are more unusual than 99\u00a0% of the held-out molecules, where 1\u00a0% "
            "is to be expected: they lie outside the model’s domain."
        )
    if "n_alerts" in valid and (alerts := float((valid["n_alerts"] > 0).mean())) > MANY_ALERTS:
        yield f"{percent(alerts)} of the samples have a structural alert (PAINS, BRENK, NIH or MCF)."


def candidate_cautions(result: Optimization) -> list[str]:
    """Return what to be careful about with a search and its candidates."""
    return [*_search(result), *_candidates(result)]


def _search(result: Optimization) -> Iterator[str]:
    trace = result.search.trace
    k = n_common(n_new(trace), n_training_best(result.search))
    if k and (training := training_top(result.search, k)) is not None:
        best = new_top_mean(trace, k)
        if best < training + SMALL_MARGIN:
            yield (
                f"The {k_best(k, 'new molecule')} {inflected(k, 'is', 'are')} no better than the "
                f"{k_best(k, 'training molecule')} ({_score(k)} {number(best, 3)} and {number(training, 3)})."
            )
    if result.baseline is not None and (k := n_common(n_new(trace), n_new(result.baseline.trace))):
        best, random = new_top_mean(trace, k), new_top_mean(result.baseline.trace, k)
        if best < random + SMALL_MARGIN:
            yield (
                f"The search is no better than random sampling ({_score(k)} of the {k_best(k, 'new molecule')} "
                f"{number(best, 3)} and {number(random, 3)})."
            )
    failed = int((trace["status"] != "ok").sum())
    if failed > MANY_FAILED * len(trace):
        yield f"{count(failed)} of {plural(len(trace), 'oracle call')} returned no score."


def _score(k: int) -> str:
    return "score" if k == 1 else "mean score"


def _candidates(result: Optimization) -> Iterator[str]:
    candidates = result.candidates
    if not len(candidates):
        yield f"{why_none(n_new(result.search.trace))} So there are no candidates."
        return
    n_clusters = candidates["cluster"].nunique() if "cluster" in candidates else len(candidates)
    if n_clusters < FEW_CLUSTERS and len(candidates) > N_SUGGESTED:
        yield (
            f"All {count(len(candidates))} candidates belong to {plural(n_clusters, 'cluster')} of similar molecules: "
            "if that series fails, so do they all. optimize.max_per_scaffold makes a search turn to others."
        )
    close = int((candidates["nearest_train_similarity"] > CLOSE_ANALOGUE).sum())
    if close:
        yield (
            f"{count(close)} of {plural(len(candidates), 'candidate')} "
            f"{inflected(close, 'is a close analogue of a', 'are close analogues of')} training "
            f"{inflected(close, 'molecule', 'molecules')} (Tanimoto similarity, ECFP4 with 1,024 bits, above "
            f"{CLOSE_ANALOGUE})."
        )
    if "sa_score" in candidates and candidates["sa_score"].median() > HARD_TO_MAKE:
        median = number(candidates["sa_score"].median(), 1)
        yield (
            f"The candidates may be hard to synthesise (median SA score {median}, on a scale from 1, easy, to "
            "10, hard)."
        )
    if result.scored is not None and "passes_filters" in result.scored.molecules:
        failing = int((~result.scored.molecules["passes_filters"].astype(bool)).sum())
        if failing:
            yield (
                f"{count(failing)} of {plural(len(candidates), 'candidate')} "
                f"{inflected(failing, 'does', 'do')} not pass the MOSES filters; the column Alerts gives the reasons."
            )
