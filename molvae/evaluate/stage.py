"""The evaluate stage: from the model and the prepared folder to the metrics."""

from pathlib import Path
from typing import Any

import pandas as pd

from molvae.chem.fcd import Moments
from molvae.config import EvaluateConfig
from molvae.errors import DataError
from molvae.evaluate.decoded import decoded_metrics, gaps
from molvae.evaluate.latent import by_dimension, posterior_metrics, similarity_by_distance
from molvae.evaluate.latent_map import latent_map, map_metrics
from molvae.evaluate.priors import compare_priors
from molvae.evaluate.property_head import property_head_metrics
from molvae.evaluate.reconstruction import (
    reconstruct,
    reconstruction_by_size,
    reconstruction_metrics,
    teacher_forced_metrics,
    value_discrepancies,
)
from molvae.evaluate.rings import ring_metrics
from molvae.files import invalidate, write_json, write_table
from molvae.log import logger
from molvae.metrics.metric import to_json
from molvae.metrics.reference import reference_moments, thinned
from molvae.model.latent_axes import LatentAxes
from molvae.model.model import MolVAE
from molvae.nn.inference import posterior
from molvae.nn.tokens import TokenStore
from molvae.parallel import shared_processes
from molvae.provenance import made_by
from molvae.seeding import derive_seed, numpy_generator
from molvae.tables import LATENT_MAP, MOLECULES, RECONSTRUCTIONS
from molvae.vocabulary import Vocabulary


@shared_processes()
def evaluate(model: MolVAE, prepared: Path, out: Path, config: EvaluateConfig, seed: int, n_jobs: int = 1) -> None:
    """Measure a model on held-out molecules -> `metrics.json`, `reconstructions.csv`, `latent_map.parquet`.

    Test molecules are reconstructed, and generated molecules are compared with them. The codes that are decoded on,
    around and between molecules are those of validation molecules, so that no molecule is compared with itself.
    Held-out molecules with tokens that the model does not know are left out of both, and counted as `unknown_tokens`.

    Args:
        model: The trained model.
        prepared: Folder of the prepare stage.
        out: Folder to write.
        config: Settings.
        seed: The run's seed.
        n_jobs: Number of processes.

    Raises:
        DataError: If a file is missing, or the test or validation split has fewer than 2 molecules that the model can
            encode.
    """
    molecules = MOLECULES.read(prepared / MOLECULES.file)
    splits = {name: molecules[molecules["split"] == name] for name in ("test", "validation")}
    for name, rows in splits.items():
        if len(rows) < 2:
            raise DataError(
                f"{prepared}: expected at least 2 {name} molecules, found {len(rows)}; see prepare.{name}_fraction"
            )
    encodable = {name: _encodable(model, rows, name, prepared) for name, rows in splits.items()}
    n_unknown = {name: len(rows) - len(encodable[name]) for name, rows in splits.items()}
    reconstructions, metrics = _reconstruction(model, encodable["test"], config.n_reconstruct, seed, n_jobs)
    training = molecules.loc[molecules["split"] == "train", "smiles"].tolist()
    test = thinned(splits["test"]["smiles"].tolist(), config.n_reference, seed)
    reference = reference_moments(test, n_jobs)
    priors, samples = compare_priors(
        model, config.n_samples, set(training), reference, derive_seed(seed, "evaluate"), n_jobs
    )
    metrics["fcd_prior"] = priors[model.generation.prior]["fcd"]
    metrics |= to_json(ring_metrics(samples, test, training, n_jobs))
    metrics |= _latent_space(model, encodable["validation"], reference, config.n_latent, seed, n_jobs)
    if model.scales:
        metrics["property_head"] = property_head_metrics(model, molecules, seed)
    axes = LatentAxes.fit(model, training)
    mapped = latent_map(axes, molecules, samples, config.n_map, seed, n_jobs)
    metrics |= to_json(map_metrics(axes)) | ({"unknown_tokens": n_unknown} if any(n_unknown.values()) else {})
    invalidate(out / "metrics.json")
    write_table(out / RECONSTRUCTIONS.file, reconstructions)
    write_table(out / LATENT_MAP.file, mapped)
    write_json(out / "metrics.json", {**made_by(model.device), **metrics, "priors": priors})


def _encodable(model: MolVAE, rows: pd.DataFrame, split: str, prepared: Path) -> pd.DataFrame:
    """Return the molecules of a split of which the model knows all tokens, and tell of the others."""
    known = [model.vocabulary.knows(selfies) for selfies in rows["selfies"]]
    if all(known):
        return rows
    unknown = set(Vocabulary.from_selfies(rows["selfies"]).tokens) - set(model.vocabulary.tokens)
    tokens = ", ".join(sorted(unknown))
    if sum(known) < 2:
        raise DataError(
            f"{prepared}: expected at least 2 {split} molecules that the model can encode, found {sum(known)} of "
            f"{len(known)} (it does not know {tokens}); train on molecules like these, or evaluate on others"
        )
    logger.warning(
        "%d of %d %s molecules are left out: the model does not know %s",
        *(len(known) - sum(known), len(known), split, tokens),
    )
    return rows[known]


def _reconstruction(
    model: MolVAE, test: pd.DataFrame, n: int, seed: int, n_jobs: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Reconstruct test molecules, and return the reconstructions and their part of metrics.json."""
    rows = numpy_generator(seed, "reconstruct").permutation(len(test))[:n]
    held_out = test.iloc[sorted(rows)]
    store = TokenStore.from_strings(held_out["selfies"].tolist(), model.vocabulary)
    mu, log_var = posterior(model.vae, store)
    table = reconstruct(model, held_out["smiles"].tolist(), mu, n_jobs)
    metrics = reconstruction_metrics(table) | teacher_forced_metrics(model, store, mu)
    metrics |= posterior_metrics(mu, log_var) | value_discrepancies(table, n_jobs)
    logger.info(
        "exact reconstruction %.3f of %d, token accuracy %.4f, KL %.1f nats",
        metrics["exact_reconstruction"].value,
        len(table),
        metrics["token_accuracy"].value,
        metrics["kl_nats"].value,
    )
    return table, {
        **to_json(metrics),
        "reconstruction_by_size": reconstruction_by_size(table),
        "by_dimension": by_dimension(mu, log_var),
    }


def _latent_space(
    model: MolVAE, validation: pd.DataFrame, reference: Moments, n: int, seed: int, n_jobs: int
) -> dict[str, Any]:
    """Decode codes on, around and between validation molecules, and return their part of metrics.json."""
    held_out = validation.iloc[numpy_generator(seed, "evaluate latent").permutation(len(validation))[:n]]
    smiles = held_out["smiles"].tolist()
    codes = posterior(model.vae, TokenStore.from_strings(held_out["selfies"].tolist(), model.vocabulary))
    decoded = decoded_metrics(model, smiles, codes, reference, seed, n_jobs)
    correlation, by_distance = similarity_by_distance(smiles, codes[0])
    return {
        **to_json({**gaps(decoded), "distance_similarity_correlation": correlation}),
        "similarity_by_distance": by_distance,
        "decoded": {kind: to_json(metrics) for kind, metrics in decoded.items()},
    }
