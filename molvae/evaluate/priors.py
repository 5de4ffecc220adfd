"""The model's priors side by side."""

from typing import Any

from molvae.chem.fcd import Moments, chemnet_statistics, frechet_distance
from molvae.log import logger
from molvae.metrics.metric import Metric, as_json
from molvae.model.model import MolVAE


def compare_priors(
    model: MolVAE, n_samples: int, training: set[str], test: Moments, seed: int, n_jobs: int
) -> dict[str, dict[str, Any]]:
    """Sample from every prior, as suited it best in training, and measure the samples.

    Args:
        model: The model.
        n_samples: Samples from each prior.
        training: Canonical SMILES of the training split.
        test: ChemNet statistics of the test split.
        seed: Seed of the samples.
        n_jobs: Processes.

    Returns:
        For each prior: whether it is the chosen one, the least probability of a token and the most nats of a sequence
        (None for no bound) that its samples were drawn with, and their figures.
    """
    compared = {}
    for name in model.priors:
        sampled = model.sample(n_samples, seed, name, n_jobs=n_jobs)
        figures = _measure(sampled, training, test, n_jobs)
        logger.info("prior %s: FCD %.2f of %d samples", name, figures["fcd"].value, figures["fcd"].n)
        chosen = name == model.generation.prior
        params = model.sampling_params(name).to_json()
        bounds = {bound: params[bound] for bound in ("min_probability", "max_nll")}
        compared[name] = {"chosen": chosen, **bounds, **as_json(figures)}
    return compared


def _measure(sampled: list[str | None], training: set[str], test: Moments, n_jobs: int) -> dict[str, Metric]:
    valid = [smiles for smiles in sampled if smiles is not None]
    distinct = set(valid)
    return {
        "validity": Metric(len(valid) / len(sampled), len(sampled), "Share of the samples that are molecules."),
        "uniqueness": Metric(
            len(distinct) / max(1, len(valid)), len(valid), "Share of distinct ones of the molecules."
        ),
        "novelty": Metric(
            len(distinct - training) / max(1, len(distinct)),
            len(distinct),
            "Share of the distinct molecules that are not in the training split.",
        ),
        "fcd": Metric(
            frechet_distance(chemnet_statistics(valid, n_jobs), test),
            len(valid),
            "Frechet ChemNet distance of the molecules to the test split. It falls with n: compare at one n only.",
        ),
    }
