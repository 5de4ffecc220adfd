"""Fit the priors to the trained encoder's codes and choose the default one."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, product

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from molvae.chem.fcd import ACTIVATIONS, Moments, activations_of_many, chemnet_statistics, frechet_distance, moments
from molvae.config import TrainConfig
from molvae.errors import DataError
from molvae.log import logger
from molvae.model.discriminator import Discriminator, features_of
from molvae.model.model import MolVAE
from molvae.model.records import PriorTrial
from molvae.nn.generation import generate_sequences
from molvae.nn.inference import posterior
from molvae.nn.tokens import TokenStore
from molvae.nn.vae import VAE
from molvae.parallel import map_chunks, shared_processes
from molvae.priors import PRIORS
from molvae.sampling import SamplingParams
from molvae.seeding import derive_seed, numpy_generator, torch_generator
from molvae.train.molecules import Molecules

# Codes that a prior is fitted to, and the most molecules that they are posterior samples of: encoding more takes longer
# than all else here.
N_CODES = 200_000
MAX_ENCODED = 20_000
# The FCD of too few molecules for a covariance; JSON has no infinity.
NO_FCD = 1e6
# Samples of each setting in the race: enough to tell by `RACE_MARGIN` which settings cannot have the lowest FCD.
RACE_SAMPLES = 400
# Settings whose FCD in the race is at most this times the lowest go on. Between two draws of 400 samples of one
# distribution, FCD varies by a few per cent.
RACE_MARGIN = 1.15


@shared_processes()
def choose_prior(
    model: MolVAE, train: Molecules, validation_smiles: list[str], config: TrainConfig, seed: int, n_jobs: int
) -> None:
    """Fit the priors of a trained model and make the one of the lowest validation FCD its default, in place.

    Every prior is tried with each of `train.min_probabilities` and `train.rejected_fractions`: first on few samples,
    and those that can still have the lowest FCD on `train.prior_samples`. The `decoder` prior is left out if there was
    no code dropout, because the decoder was then not trained at z = 0. Then the samples of the best one are corrected
    by a discriminator instead, with each of `train.corrections`.

    Args:
        model: The trained model, still without priors and trials.
        train: Training molecules; the priors are fitted to the codes of the new ones.
        validation_smiles: Validation molecules, canonical.
        config: Settings.
        seed: The run's seed.
        n_jobs: Processes.

    Raises:
        DataError: If hardly any sample is a molecule.
    """
    names = [name for name in config.priors if name != "decoder" or model.has_unconditional_decoder] or ["normal"]
    if names != config.priors:
        logger.info("without train.code_dropout there is no decoder prior; trying %s", ", ".join(names))
    codes = torch.empty(0, model.latent_dim)
    if any(PRIORS[name].fits_codes for name in names):
        codes = posterior_samples(model.vae, train.tokens, train.n_new, seed)
    model.priors = {name: PRIORS[name].fit(codes.to(model.device), config, seed) for name in names}
    reference = chemnet_statistics(validation_smiles, n_jobs)
    model.training = replace(model.training, trials=tuple(_race(model, reference, config, seed, n_jobs)))
    best = model.training.best_trial()
    if best.validation_fcd == NO_FCD:
        raise DataError("train: expected molecules among the model's samples, found none; train for longer")
    model.generation = replace(model.generation, prior=best.prior)
    if config.corrections:
        corrected = correct_samples(model, best, train, reference, config, seed, n_jobs)
        model.training = replace(model.training, trials=(*model.training.trials, *corrected))
        best = model.training.best_trial()
    if at_edge := settings_at_edge(best, config):
        logger.warning(
            "the prior of the lowest validation FCD (%.2f) is at the end of what was tried, %s: more conservative "
            "samples may be better still; add higher values, or train for longer",
            *(best.validation_fcd, " and ".join(at_edge)),
        )


def settings_at_edge(best: PriorTrial, config: TrainConfig) -> list[str]:
    """Return the settings of which the best trial has the highest of several values, such as `train.x 0.2`.

    The lowest values are no edge: a bound of 0 leaves the samples as they are.
    """
    chosen = {
        "min_probabilities": (best.params.min_probability, config.min_probabilities),
        "rejected_fractions": (best.rejected_fraction, config.rejected_fractions),
        "corrections": (best.params.correction, [0.0, *config.corrections]),
    }
    return [f"train.{name} {value:g}" for name, (value, tried) in chosen.items() if min(tried) < value == max(tried)]


def _race(model: MolVAE, reference: Moments, config: TrainConfig, seed: int, n_jobs: int) -> list[PriorTrial]:
    """Return the trials of all settings: on few samples, or on all where the few did not rule the setting out."""

    def heat(settings: Iterable[tuple[str, float]], n: int) -> list[PriorTrial]:
        tried = (_trials(model, *setting, n, reference, config, seed, n_jobs) for setting in settings)
        return list(chain.from_iterable(tried))

    settings = list(product(model.priors, config.min_probabilities))
    if config.prior_samples <= RACE_SAMPLES or len(settings) == 1:
        return heat(settings, config.prior_samples)
    first = heat(settings, RACE_SAMPLES)
    limit = RACE_MARGIN * min(trial.validation_fcd for trial in first)
    remaining = {_setting(trial) for trial in first if trial.validation_fcd <= limit}
    logger.info("%d of %d settings remain after %d samples of each", len(remaining), len(settings), RACE_SAMPLES)
    out = [trial for trial in first if _setting(trial) not in remaining]
    return out + heat([setting for setting in settings if setting in remaining], config.prior_samples)


def _setting(trial: PriorTrial) -> tuple[str, float]:
    return trial.prior, trial.params.min_probability


def _trials(
    model: MolVAE,
    prior: str,
    min_probability: float,
    n: int,
    reference: Moments,
    config: TrainConfig,
    seed: int,
    n_jobs: int,
) -> Iterator[PriorTrial]:
    """Sample from a prior once, and yield a trial for each fraction of the sequences to reject.

    All of them have n samples, since FCD falls with their number.
    """
    n_sampled = math.ceil(n / (1.0 - max(config.rejected_fractions)))
    trial_seed = derive_seed(seed, "choose prior")
    codes = model.priors[prior].sample(n_sampled, torch_generator(trial_seed, "sample codes"))
    params = SamplingParams(min_probability=min_probability, max_length=model.generation.max_length)
    generated = generate_sequences(model.vae.decoder, codes, params, torch_generator(trial_seed, "sample"))
    sequences, nlls = zip(*generated, strict=True)
    nll = np.array(nlls)
    smiles = model.to_smiles(sequences, n_sampled, n_jobs)
    valid = np.array([molecule is not None for molecule in smiles])
    activations = np.empty((n_sampled, ACTIVATIONS), dtype=np.float32)
    activations[valid] = activations_of_many([molecule for molecule in smiles if molecule is not None], n_jobs)
    for fraction in config.rejected_fractions:
        max_nll = float(np.quantile(nll, 1.0 - fraction)) if fraction else math.inf
        accepted = np.flatnonzero(nll <= max_nll)[:n]
        molecules = activations[accepted[valid[accepted]]]
        fcd = frechet_distance(moments([molecules]), reference) if len(molecules) > 1 else NO_FCD
        logger.info(
            "prior %s, min_probability %g, %g rejected: validation FCD %.2f of %d samples",
            *(prior, min_probability, fraction, fcd, n),
        )
        yield PriorTrial(prior, replace(params, max_nll=max_nll), fraction, fcd, n)


def correct_samples(
    model: MolVAE,
    best: PriorTrial,
    train: Molecules,
    reference: Moments,
    config: TrainConfig,
    seed: int,
    n_jobs: int,
) -> list[PriorTrial]:
    """Fit a discriminator to the samples of the best prior, in place, and return a trial for each power of it.

    All sequences are sampled, not only those of a low nll: which of them are worth little, the discriminator tells.
    """
    params = replace(best.params, max_nll=math.inf)
    n_fitted = min(config.discriminator_samples, train.n_new)
    rows = numpy_generator(seed, "discriminator").permutation(train.n_new)[:n_fitted]
    sequences = (sequence.tolist() for sequence in train.tokens.subset(np.sort(rows)).sequences())
    of_training = [smiles for smiles in model.to_smiles(sequences, n_fitted, n_jobs) if smiles is not None]
    sampled = model.sample(n_fitted, derive_seed(seed, "discriminator"), best.prior, params, n_jobs)
    of_model = [smiles for smiles in sampled if smiles is not None][: len(of_training)]
    of_both = [*of_model, *of_training[: len(of_model)]]
    features = sp.csr_matrix(sp.vstack(list(map_chunks(features_of, of_both, n_jobs))))
    model.discriminator = Discriminator.fit(features, np.arange(len(of_both)) >= len(of_model))
    return list(_corrected_trials(model, best.prior, params, reference, config, seed, n_jobs))


def _corrected_trials(
    model: MolVAE, prior: str, params: SamplingParams, reference: Moments, config: TrainConfig, seed: int, n_jobs: int
) -> Iterator[PriorTrial]:
    for power in config.corrections:
        corrected = replace(params, correction=power)
        samples = model.sample(config.prior_samples, derive_seed(seed, "choose prior"), prior, corrected, n_jobs)
        molecules = [smiles for smiles in samples if smiles is not None]
        fcd = frechet_distance(chemnet_statistics(molecules, n_jobs), reference) if len(molecules) > 1 else NO_FCD
        logger.info(
            "prior %s, min_probability %g, corrected to the power %g: validation FCD %.2f of %d samples",
            *(prior, params.min_probability, power, fcd, config.prior_samples),
        )
        yield PriorTrial(prior, corrected, 0.0, fcd, config.prior_samples)


def posterior_samples(vae: VAE, store: TokenStore, n: int, seed: int) -> Tensor:
    """Return 200,000 posterior samples of some of the first n molecules, about as many of each, in random order."""
    rows = numpy_generator(seed, "prior codes").permutation(n)[:MAX_ENCODED]
    repeated = torch.arange(N_CODES) % len(rows)
    mu, log_var = (parameter[repeated] for parameter in posterior(vae, store.subset(rows)))
    noise = torch.randn(mu.shape, generator=torch_generator(seed, "prior codes"))
    return mu + noise * torch.exp(0.5 * log_var)
