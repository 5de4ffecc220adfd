"""`molvae learn`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import OutFolder, SeedOption, SmilesColumnOption, ThreadsOption


def learn(
    measured: Annotated[
        Path, typer.Argument(help="Table of measured molecules: .csv .tsv .sdf .parquet, also .gz .bz2 .zst.")
    ],
    column: Annotated[str, typer.Option("--column", help="Column with the measured values.")],
    out: OutFolder,
    smiles_column: SmilesColumnOption = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            help="Model folder, or name of a shipped model, whose latent codes compete as well; "
            "one with a property head for the column is refused, since it has seen the values.",
        ),
    ] = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Learn a measured column, to predict it for other molecules (see `predict`) and to search for better ones.

    Several models compete in cross-validation; the one of the lowest error on held-out scaffolds is kept. Writes
    OUT/learned.json with the errors of all of them, and the model next to it.
    """
    from molvae.folders import output_folder
    from molvae.learned.table import learn as learn_table
    from molvae.log import logger
    from molvae.model.loading import load
    from molvae.parallel import set_threads

    n_jobs = set_threads(threads)
    with output_folder(out):
        encoder = None if model is None else load(model)
        learned = learn_table(
            measured, column, smiles_column, seed=1 if seed is None else seed, n_jobs=n_jobs, model=encoder
        )
        learned.save(out)
    logger.info("%s: the model of %s (%s) -> %s", measured, column, learned.validation.kept, out)
