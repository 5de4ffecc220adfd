"""The model's priors side by side."""

import math
from typing import Any

from molvae.chem.fcd import Moments, chemnet_statistics, frechet_distance
from molvae.log import logger
from molvae.metrics.metric import Metric, to_json
from molvae.metrics.registry import measured
from molvae.metrics.sets import fraction, novel_fraction, unique_fraction
from molvae.model.model import MolVAE
from molvae.priors import PRIORS


def compare_priors(
    model: MolVAE, n_samples: int, training: set[str], test: Moments, seed: int, n_jobs: int
) -> tuple[dict[str, dict[str, Any]], list[str | None]]:
    """Sample from every prior, with the settings that were best for it in training, and measure the samples.

    Args:
        model: The model.
        n_samples: Number of samples from each prior.
        training: Canonical SMILES of the training split.
        test: Moments of the ChemNet activations of the test split.
        seed: Seed of the samples.
        n_jobs: Number of processes.

    Returns:
        For each prior: whether it is the chosen one, its title and phrase for the report, `min_probability` of a
        token, `max_nll` of a sequence in nats (None for no bound) and `correction` by a discriminator (0 for none) with
        which it was sampled, and the metrics of its samples. Then the samples of the chosen one, None where one is no
        molecule.
    """
    compared: dict[str, dict[str, Any]] = {}
    of_chosen: list[str | None] = []
    for name in model.priors:
        samples = model.sample(n_samples, seed, name, n_jobs=n_jobs)
        metrics = _measure(samples, training, test, n_jobs)
        logger.info("prior %s: FCD %.2f of %d samples", name, metrics["fcd"].value, metrics["fcd"].n)
        if chosen := name == model.generation.prior:
            of_chosen = samples
        params = model.sampling_params(name).to_json()
        bounds = {bound: params[bound] for bound in ("min_probability", "max_nll", "correction")}
        texts = {"title": PRIORS[name].title, "phrase": PRIORS[name].phrase}
        compared[name] = {"chosen": chosen, **texts, **bounds, **to_json(metrics)}
    return compared, of_chosen


def _measure(samples: list[str | None], training: set[str], test: Moments, n_jobs: int) -> dict[str, Metric]:
    valid = [smiles for smiles in samples if smiles is not None]
    # Without two molecules there is no covariance, so no distance.
    fcd = frechet_distance(chemnet_statistics(valid, n_jobs), test) if len(valid) > 1 else math.nan
    return {
        "validity": measured("validity", fraction(len(valid), len(samples)), len(samples)),
        "uniqueness": measured("uniqueness", unique_fraction(valid), len(valid)),
        "novelty": measured("novelty", novel_fraction(valid, training), len(set(valid)), n_reference=len(training)),
        "fcd": measured("fcd", fcd, len(valid), n_reference=test.n),
    }
