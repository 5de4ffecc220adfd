"""The score stage: from strings and reference molecules to metrics, tables and figures."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from molvae.chem.sdf import write_sdf
from molvae.config import ScoreConfig
from molvae.errors import DataError
from molvae.files import invalidate, write_json, write_table
from molvae.log import logger
from molvae.metrics.metric import Metric, to_json
from molvae.metrics.reference import ReferenceStatistics, reference_statistics
from molvae.model.anomaly import compare_anomaly
from molvae.model.model import MolVAE
from molvae.parallel import shared_processes
from molvae.provenance import made_by
from molvae.score.charts import write_charts
from molvae.score.describe import Generated, describe
from molvae.score.guacamol import Samples, guacamol_metrics
from molvae.score.moses import Compared, moses_metrics, novelty, property_summaries, unresolved_warning
from molvae.score.reference import Reference
from molvae.score.table import molecule_table
from molvae.score.training import TrainStatistics, train_statistics
from molvae.tables import SCORED_MOLECULES


@shared_processes()
def score(
    samples: Sequence[str],
    reference: Reference,
    out: Path,
    config: ScoreConfig,
    seed: int,
    n_jobs: int = 1,
    model: MolVAE | None = None,
    device: str = "cpu",
) -> dict[str, Metric]:
    """Score generated molecules -> `metrics.json`, `molecules.csv`, `molecules.sdf` and `figures/`.

    The statistics of the reference molecules are cached, see `molvae.metrics.cache`.

    Args:
        samples: Generated SMILES in the order of generation; what is not a molecule, or empty, counts as invalid.
        reference: Molecules to compare with; strings that are not molecules are left out.
        out: Folder to write.
        config: Settings.
        seed: The run's seed, for the intervals and for the subsample of the reference molecules, if one is asked for.
        n_jobs: Number of processes; the results do not depend on it.
        model: A model that gives the anomaly scores of the molecules.
        device: Where ChemNet runs, `cpu` or `cuda`.

    Returns:
        The MOSES metrics by the names of the MOSES package.

    Raises:
        DataError: If there are no training or test molecules.
    """
    if not samples:
        logger.warning("score: found no generated molecules; no metric has a value")
    reference = reference.thinned(config.n_reference, seed)
    train = train_statistics(reference.train, n_jobs, config.n_reference)
    tests = {name: reference_statistics(smiles, n_jobs) for name, smiles in reference.tests().items()}
    _check_reference(reference, train, tests)
    generated = describe(samples, n_jobs, device)
    compared = Compared(generated, reference.train, train.smiles, tests, seed)
    metrics, novel = moses_metrics(compared), novelty(compared)
    anomaly = None if model is None else compare_anomaly(model, generated.molecules.smiles, reference.test, seed)
    table = molecule_table(samples, generated, reference, train, anomaly)
    valid = table[table["valid"]]
    invalidate(out / "metrics.json")
    write_table(out / SCORED_MOLECULES.file, table)
    names = [f"sample-{row + 1}" for row in valid.index]
    write_sdf(out / "molecules.sdf", generated.molecules.smiles, names, valid.drop(columns=["problem"]), n_jobs)
    write_charts(out / "figures", valid, tests["Test"])
    content = {
        **made_by(device),
        "moses": to_json(metrics),
        "guacamol": to_json(_guacamol(generated, train)),
        **to_json({"novelty": novel}),
        "properties": property_summaries(generated.molecules, tests["Test"]),
    }
    write_json(out / "metrics.json", content)
    logger.info(
        "valid %.4f of %d, novel %.4f, FCD/Test %.3f, passing the filters %.4f",
        metrics["valid"].value,
        metrics["valid"].n,
        novel.value,
        metrics["FCD/Test"].value,
        metrics["Filters"].value,
    )
    return metrics


def _guacamol(generated: Generated, train: TrainStatistics) -> dict[str, Metric]:
    """Return the GuacaMol metrics of the strings of which it is known whether they are molecules."""
    molecules = generated.molecules
    is_valid = generated.is_valid[~generated.is_unresolved]
    metrics = guacamol_metrics(
        Samples(is_valid, molecules.smiles, molecules.flat, generated.activations), train.guacamol
    )
    warnings = [warning for warning in (unresolved_warning(generated), metrics["validity"].warning) if warning]
    return metrics | {"validity": replace(metrics["validity"], warning="; ".join(warnings) or None)}


def _check_reference(reference: Reference, train: TrainStatistics, tests: dict[str, ReferenceStatistics]) -> None:
    sizes = {"train": (len(reference.train), len(train))}
    sizes |= {name: (len(smiles), len(tests[name])) for name, smiles in reference.tests().items()}
    for name, (n_given, n_valid) in sizes.items():
        if n_valid == 0:
            raise DataError(
                f"score: expected {name} molecules to compare with, found none among {n_given} strings; "
                "check the file and its column with the SMILES"
            )
        if n_valid < n_given:
            logger.warning(
                "%s: %d of %d reference strings are not molecules and are left out", name, n_given - n_valid, n_given
            )
