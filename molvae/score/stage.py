"""The score stage, from strings and reference molecules to metrics, tables and figures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from molvae.chem.sdf import write_sdf
from molvae.config import ScoreConfig
from molvae.errors import ConfigError, DataError
from molvae.files import invalidate, write_json, write_table
from molvae.log import logger
from molvae.metrics.metric import Metric, as_json
from molvae.model.model import MolVAE
from molvae.score.charts import write_charts
from molvae.score.describe import Generated, describe
from molvae.score.guacamol import Samples, guacamol_metrics
from molvae.score.moses import Compared, moses_metrics, property_summaries
from molvae.score.reference import Reference
from molvae.score.statistics import ReferenceStatistics, TrainStatistics, reference_statistics, train_statistics
from molvae.score.table import Anomaly, molecule_table
from molvae.seeding import numpy_generator

MAX_HELD_OUT = 5000
"""Test molecules whose anomaly scores a molecule's is ranked among."""


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

    What is computed of reference molecules is kept for the next time, see `molvae.score.cache`.

    Args:
        samples: Generated SMILES in the order of generation. One that is no molecule, or empty, counts as invalid.
        reference: What to compare with; strings that are no molecules are left out.
        out: Folder to write.
        config: Settings.
        seed: The run's seed: for the intervals, and the reference molecules where the settings ask for a part of them.
        n_jobs: Processes; the results do not depend on it.
        model: A model to say of each molecule how unlikely it is, and whether it is outside the model's domain.
        device: Where ChemNet runs, `cpu` or `cuda`.

    Returns:
        The MOSES metrics by the names of the MOSES package.

    Raises:
        DataError: If there are no training or test molecules.
    """
    if not samples:
        logger.warning("score: found no generated molecules; every metric is of none of them, and has no value")
    reference = reference.thinned(config.n_reference, seed)
    train = train_statistics(reference.train, n_jobs)
    tests = {name: reference_statistics(smiles, n_jobs) for name, smiles in reference.tests().items()}
    _check_reference(reference, train, tests)
    generated = describe(samples, n_jobs, device)
    figures = moses_metrics(Compared(generated, reference.train, tests, seed))
    guacamol = guacamol_metrics(
        Samples(generated.is_valid, generated.smiles, generated.plain, generated.activations), train.guacamol
    )
    table = molecule_table(samples, generated, reference, train, _anomaly(model, generated, reference, seed))
    valid = table[table["valid"]]
    invalidate(out / "metrics.json")
    write_table(out / "molecules.csv", table)
    names = [f"sample-{row + 1}" for row in valid.index]
    write_sdf(out / "molecules.sdf", generated.smiles, names, valid.drop(columns=["problem"]), n_jobs)
    write_charts(out / "figures", valid, tests["Test"])
    summaries = property_summaries(generated, tests["Test"])
    content = {"moses": as_json(figures), "guacamol": as_json(guacamol), "properties": summaries}
    write_json(out / "metrics.json", content)
    _log(figures, len(samples))
    return figures


def _log(figures: dict[str, Metric], n_samples: int) -> None:
    logger.info(
        "valid %.4f of %d, novel %.4f, FCD/Test %.3f, passing the filters %.4f",
        figures["valid"].value,
        n_samples,
        figures["Novelty"].value,
        figures["FCD/Test"].value,
        figures["Filters"].value,
    )


def _anomaly(model: MolVAE | None, generated: Generated, reference: Reference, seed: int) -> Anomaly | None:
    """Ask the model, if there is one that can tell."""
    if model is None:
        return None
    rows = numpy_generator(seed, "anomaly").permutation(len(reference.test))[:MAX_HELD_OUT]
    try:
        held_out = model.anomaly_score([reference.test[row] for row in sorted(rows)])
    except ConfigError as error:
        logger.warning("score: no anomaly scores (%s)", error)
        return None
    return Anomaly(model.anomaly_score(generated.smiles), held_out[~np.isnan(held_out)])


def _check_reference(reference: Reference, train: TrainStatistics, tests: dict[str, ReferenceStatistics]) -> None:
    n_all = {"train": (len(reference.train), len(train))}
    n_all |= {name: (len(smiles), len(tests[name])) for name, smiles in reference.tests().items()}
    for name, (n_given, n_valid) in n_all.items():
        if n_valid == 0:
            raise DataError(
                f"score: expected {name} molecules to compare with, found none among {n_given} strings; "
                "check the file and its column with the SMILES"
            )
        if n_valid < n_given:
            logger.warning(
                "%s: %d of %d reference strings are no molecules and left out", name, n_given - n_valid, n_given
            )
