"""Fit the priors to the trained encoder's codes and choose the one to sample from."""

import math
from typing import Any

import torch
from torch import Tensor

from molvae.chem.fcd import chemnet_statistics, frechet_distance
from molvae.chem.vocabulary import Vocabulary
from molvae.config import StandardiseConfig, TrainConfig
from molvae.errors import DataError
from molvae.log import logger
from molvae.model import Generation, MolVAE
from molvae.nn.property_head import PropertyScale
from molvae.nn.tokens import TokenStore
from molvae.nn.vae import VAE
from molvae.priors import PRIORS
from molvae.seeding import derive_seed, numpy_generator, torch_generator

# Codes that a prior may be fitted to. Where there are fewer molecules, each has several posterior samples.
N_CODES = 200_000


def choose_prior(
    vae: VAE,
    vocabulary: Vocabulary,
    standardisation: StandardiseConfig,
    training: dict[str, Any],
    scales: tuple[PropertyScale, ...],
    train: TokenStore,
    n_new: int,
    validation_smiles: list[str],
    longest: int,
    config: TrainConfig,
    seed: int,
    n_jobs: int,
) -> MolVAE:
    """Return the model with all its priors fitted and the best one by validation FCD chosen.

    Every prior is tried with each of `train.min_probabilities`. The `decoder` prior is left out where there was no code
    dropout, because the decoder then never saw an empty code.

    Args:
        vae: The trained networks.
        vocabulary: Their tokens.
        standardisation: How their molecules were standardised.
        training: What the model records of its training; the FCD of each trial is added.
        scales: The properties that they predict.
        train: Training molecules.
        n_new: How many of them, the first ones, are those whose like is wanted: the priors are fitted to their codes.
        validation_smiles: Validation molecules, canonical.
        longest: Tokens of the longest known molecule, its end token included.
        config: Settings.
        seed: The run's seed.
        n_jobs: Processes.
    """
    names = [name for name in config.priors if name != "decoder" or config.code_dropout > 0.0] or ["normal"]
    if names != config.priors:
        logger.info("without train.code_dropout there is no decoder prior; trying %s", ", ".join(names))
    generation = Generation(names[0], config.min_probabilities[0], longest)
    model = MolVAE(vae, vocabulary, {}, generation, standardisation, training, scales)
    codes = posterior_samples(model, train, n_new, seed).to(model.device)
    for name in names:
        model.priors[name] = PRIORS[name].fit(codes, config, seed)
    trials = _tried(model, validation_smiles, config, seed, n_jobs)
    lowest, best, min_probability = min(trials)
    if not math.isfinite(lowest):
        raise DataError("train: expected molecules among the model's samples, found none; train for longer")
    recorded = [
        # JSON has no infinity.
        {"prior": name, "min_probability": least, "validation_fcd": fcd if math.isfinite(fcd) else 1e6}
        for fcd, name, least in trials
    ]
    chosen = Generation(best, min_probability, longest)
    return MolVAE(vae, vocabulary, model.priors, chosen, standardisation, training | {"priors": recorded}, scales)


def _tried(
    model: MolVAE, validation_smiles: list[str], config: TrainConfig, seed: int, n_jobs: int
) -> list[tuple[float, str, float]]:
    """Return the validation FCD of samples from each of the model's priors with each least probability of a token."""
    reference = chemnet_statistics(validation_smiles, n_jobs)
    trials = []
    for name in model.priors:
        for least in config.min_probabilities:
            chance = derive_seed(seed, "choose prior")
            sampled = model.sample(config.prior_samples, chance, name, min_probability=least, n_jobs=n_jobs)
            valid = [smiles for smiles in sampled if smiles is not None]
            # Too few molecules for a distance are as bad as any distance.
            fcd = frechet_distance(chemnet_statistics(valid, n_jobs), reference) if len(valid) > 1 else math.inf
            logger.info("prior %s, tokens from probability %g: validation FCD %.2f", name, least, fcd)
            trials.append((fcd, name, least))
    return trials


def posterior_samples(model: MolVAE, store: TokenStore, n: int, seed: int) -> Tensor:
    """Return 200,000 posterior draws of the first n molecules, about as many of each, in random order, float32."""
    rows = numpy_generator(seed, "prior codes").permutation(n)[:N_CODES]
    again = torch.arange(N_CODES) % len(rows)
    mu, log_var = (each[again] for each in model.posterior(store.subset(rows)))
    noise = torch.randn(mu.shape, generator=torch_generator(seed, "prior codes"))
    return mu + noise * torch.exp(0.5 * log_var)
