"""The evaluate stage, from the model and the prepared folder to the figures."""

from pathlib import Path

from molvae.chem.fcd import chemnet_statistics
from molvae.config import EvaluateConfig
from molvae.errors import DataError
from molvae.evaluate.latent_map import latent_map
from molvae.evaluate.priors import compare_priors
from molvae.evaluate.reconstruction import latent_figures, reconstruct, reconstruction_figures
from molvae.figures import as_json
from molvae.files import read_table, write_json, write_table
from molvae.log import logger
from molvae.model import MolVAE
from molvae.nn.tokens import TokenStore
from molvae.seeding import derive_seed, numpy_generator


def evaluate(model: MolVAE, prepared: Path, out: Path, config: EvaluateConfig, seed: int, n_jobs: int = 1) -> None:
    """Measure a model on the test split -> `metrics.json`, `reconstructions.csv`, `latent_map.parquet`.

    Args:
        model: The trained model.
        prepared: Folder of the prepare stage.
        out: Folder to write.
        config: Settings.
        seed: The run's seed.
        n_jobs: Processes for ChemNet.

    Raises:
        DataError: If a file is missing, or the test split has fewer than 2 molecules.
    """
    molecules = read_table(prepared / "molecules.parquet", ["id", "smiles", "selfies", "split"])
    test = molecules[molecules["split"] == "test"]
    if len(test) < 2:
        raise DataError(f"{prepared}: expected test molecules, found {len(test)}; see prepare.test_fraction")
    rows = numpy_generator(seed, "reconstruct").permutation(len(test))[: config.n_reconstruct]
    held_out = test.iloc[sorted(rows)]
    store = TokenStore.from_selfies(held_out["selfies"].tolist(), model.vocabulary)
    mu, log_var = model.posterior(store)
    reconstructions = reconstruct(model, held_out["smiles"].tolist(), mu)
    figures = reconstruction_figures(reconstructions) | latent_figures(model, store, mu, log_var)
    logger.info(
        "exact reconstruction %.3f of %d, token accuracy %.4f, KL %.1f nats",
        figures["exact_reconstruction"].value,
        len(held_out),
        figures["token_accuracy"].value,
        figures["kl_nats"].value,
    )
    training = set(molecules.loc[molecules["split"] == "train", "smiles"])
    reference = chemnet_statistics(test["smiles"].tolist(), n_jobs)
    priors = compare_priors(model, config.n_samples, training, reference, derive_seed(seed, "evaluate"), n_jobs)
    fcd_prior = priors[model.generation.prior]["fcd"]
    write_table(out / "reconstructions.csv", reconstructions)
    write_table(out / "latent_map.parquet", latent_map(model, molecules, config.n_map, seed))
    write_json(out / "metrics.json", {**as_json(figures), "fcd_prior": fcd_prior, "priors": priors})
