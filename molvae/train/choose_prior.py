"""Fit the priors to the trained encoder's codes and choose the one to sample from."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from molvae.chem.fcd import ACTIVATIONS, Moments, activations_of_many, chemnet_statistics, frechet_distance, moments
from molvae.config import StandardiseConfig, TrainConfig
from molvae.errors import DataError
from molvae.log import logger
from molvae.model.model import Generation, MolVAE
from molvae.nn.generation import generate_sequences
from molvae.nn.property_head import PropertyScale
from molvae.nn.tokens import TokenStore
from molvae.nn.vae import VAE
from molvae.priors import PRIORS
from molvae.seeding import derive_seed, numpy_generator, torch_generator
from molvae.vocabulary import Vocabulary

# Codes that a prior may be fitted to. Where there are fewer molecules, each has several posterior samples.
N_CODES = 200_000
# The FCD of samples that are no molecules; JSON has no infinity.
NO_FCD = 1e6


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

    Every prior is tried with each of `train.min_probabilities` and `train.rejected_fractions`. The `decoder` prior is
    left out where there was no code dropout, because the decoder then never saw an empty code.

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
    model = MolVAE(vae, vocabulary, {}, Generation(names[0], longest), standardisation, training, scales)
    codes = posterior_samples(model, train, n_new, seed).to(model.device)
    for name in names:
        model.priors[name] = PRIORS[name].fit(codes, config, seed)
    reference = chemnet_statistics(validation_smiles, n_jobs)
    trials = [
        trial
        for name in names
        for least in config.min_probabilities
        for trial in _trials(model, name, least, reference, config, seed, n_jobs)
    ]
    best = min(trials, key=lambda trial: trial["validation_fcd"])
    if best["validation_fcd"] == NO_FCD:
        raise DataError("train: expected molecules among the model's samples, found none; train for longer")
    chosen = Generation(best["prior"], longest)
    return MolVAE(vae, vocabulary, model.priors, chosen, standardisation, training | {"priors": trials}, scales)


def _trials(
    model: MolVAE, prior: str, least: float, reference: Moments, config: TrainConfig, seed: int, n_jobs: int
) -> Iterator[dict[str, Any]]:
    """Draw from a prior once, and yield the validation FCD of what is left with each share of the unlikeliest rejected.

    All of a prior's trials have the same number of samples, since FCD falls with it.
    """
    n_drawn = math.ceil(config.prior_samples / (1.0 - max(config.rejected_fractions)))
    chance = derive_seed(seed, "choose prior")
    codes = model.priors[prior].sample(n_drawn, torch_generator(chance, "sample codes"))
    written = generate_sequences(
        model.vae.decoder,
        codes,
        model.generation.max_length,
        1.0,
        torch_generator(chance, "sample"),
        min_probability=least,
    )
    sequences, nlls = zip(*written, strict=True)
    nll = np.array(nlls)
    smiles = model.read(sequences, n_drawn, n_jobs)
    valid = np.array([each is not None for each in smiles])
    activations = np.empty((n_drawn, ACTIVATIONS), dtype=np.float32)
    activations[valid] = activations_of_many([each for each in smiles if each is not None], n_jobs)
    for share in config.rejected_fractions:
        most = float(np.quantile(nll, 1.0 - share)) if share else math.inf
        kept = np.flatnonzero(nll <= most)[: config.prior_samples]
        molecules = activations[kept[valid[kept]]]
        # Too few molecules for a distance are as bad as any distance.
        fcd = frechet_distance(moments([molecules]), reference) if len(molecules) > 1 else NO_FCD
        logger.info("prior %s, tokens from %g, %g rejected: validation FCD %.2f", prior, least, share, fcd)
        yield {
            "prior": prior,
            "min_probability": least,
            "rejected_fraction": share,
            "max_nll": most if share else None,
            "validation_fcd": fcd,
        }


def posterior_samples(model: MolVAE, store: TokenStore, n: int, seed: int) -> Tensor:
    """Return 200,000 posterior draws of the first n molecules, about as many of each, in random order, float32."""
    rows = numpy_generator(seed, "prior codes").permutation(n)[:N_CODES]
    again = torch.arange(N_CODES) % len(rows)
    mu, log_var = (each[again] for each in model.posterior(store.subset(rows)))
    noise = torch.randn(mu.shape, generator=torch_generator(seed, "prior codes"))
    return mu + noise * torch.exp(0.5 * log_var)
