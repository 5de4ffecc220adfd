"""The score stage, from strings and reference molecules to metrics and a table."""

from collections.abc import Sequence
from pathlib import Path

from molvae.config import ScoreConfig
from molvae.errors import DataError
from molvae.figures import Figure, as_json
from molvae.files import write_json, write_table
from molvae.log import logger
from molvae.score.describe import Described, describe
from molvae.score.figures import moses_figures, property_summaries
from molvae.score.reference import Reference
from molvae.score.table import molecule_table


def score(
    samples: Sequence[str], reference: Reference, out: Path, config: ScoreConfig, seed: int, n_jobs: int = 1
) -> dict[str, Figure]:
    """Score generated molecules against reference molecules -> `metrics.json` and `molecules.csv`.

    Args:
        samples: Generated SMILES in the order of generation. One that is no molecule, or empty, counts as invalid.
        reference: What to compare with; strings that are no molecules are left out.
        out: Folder to write.
        config: Settings.
        seed: The run's seed: it draws the reference molecules where the settings ask for a part of them.
        n_jobs: Processes; the results do not depend on it.

    Returns:
        The MOSES metrics by the names of the MOSES package.

    Raises:
        DataError: If there are no training or test molecules.
    """
    if not samples:
        logger.warning("score: found no generated molecules; every metric is of none of them, and has no value")
    molecules = describe(list(samples), reference.thinned(config.n_reference, seed), n_jobs)
    _check_reference(molecules)
    table = molecule_table(samples, molecules)
    figures = moses_figures(molecules)
    summaries = property_summaries(molecules.generated, molecules.tests["Test"])
    write_table(out / "molecules.csv", table)
    write_json(out / "metrics.json", {"moses": as_json(figures), "properties": summaries})
    logger.info(
        "valid %.4f of %d, novel %.4f, FCD/Test %.3f, passing the filters %.4f",
        figures["valid"].value,
        len(samples),
        figures["Novelty"].value,
        figures["FCD/Test"].value,
        figures["Filters"].value,
    )
    return figures


def _check_reference(molecules: Described) -> None:
    for name, described in {"train": molecules.train, **molecules.tests}.items():
        n_given, n_valid = len(described.is_valid), len(described.smiles)
        if n_valid == 0:
            raise DataError(
                f"score: expected {name} molecules to compare with, found none among {n_given} strings; "
                "check the file and its column with the SMILES"
            )
        if n_valid < n_given:
            logger.warning(
                "%s: %d of %d reference strings are no molecules and left out", name, n_given - n_valid, n_given
            )
