"""`molvae propose`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import ModelArgument, OutTable, SmilesColumnOption, ThreadsOption


def propose(
    model: ModelArgument,
    out: OutTable,
    measured: Annotated[
        Path | None,
        typer.Option("--measured", help="Table of what was measured so far; without it the plate is diverse."),
    ] = None,
    column: Annotated[str | None, typer.Option("--column", help="Column with the measured values.")] = None,
    pool: Annotated[
        Path | None,
        typer.Option("--pool", help="Molecule file to choose from; by default the model invents molecules."),
    ] = None,
    n: Annotated[int, typer.Option("--n", min=1, help="Number of molecules on the plate.")] = 96,
    minimise: Annotated[
        bool, typer.Option("--minimise", help="Lower values are better; by default higher ones are.")
    ] = False,
    objective: Annotated[
        str | None, typer.Option("--objective", help="Objective whose constraints every proposal satisfies.")
    ] = None,
    smiles_column: SmilesColumnOption = None,
    pool_smiles_column: Annotated[
        str | None, typer.Option("--pool-smiles-column", help="The same of the pool.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Random seed.")] = 1,
    threads: ThreadsOption = None,
) -> None:
    """Choose the next plate: molecules to make or buy, and to measure.

    Learns from the measured values, and chooses from a list (--pool) or from what the model invents: four fifths for
    the best predicted values, one fifth for what may be best and would teach most, no close analogues of one another,
    nothing that is measured. Writes the columns smiles, predicted, low, high (80 % interval), nearest, nearest_value
    (the most similar measured molecule), why, and then those of the pool; rows of the pool that are not molecules go to
    a table beside it. With the new results in the measured table, run it again.
    """
    import pandas as pd

    from molvae.files import write_table
    from molvae.log import logger
    from molvae.optimize.objective import load_objective
    from molvae.parallel import set_threads
    from molvae.propose.face import measurements, plate
    from molvae.propose.stage import Wanted

    n_jobs = set_threads(threads)
    wanted = Wanted(n, minimise, None if objective is None else load_objective(objective), seed)
    known = measurements(measured, column, smiles_column)
    proposed = plate(model, known, wanted, pool, pool_smiles_column, n_jobs=n_jobs)
    if proposed.unusable:
        rejected = out.with_name(f"{out.stem}_rejected.csv")
        write_table(rejected, pd.DataFrame(proposed.unusable))
        logger.warning("%s: rows of the pool that are not molecules", rejected)
    write_table(out, proposed.table)
    logger.info("%s: %d molecules", out, len(proposed.table))
