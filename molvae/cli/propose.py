"""`molvae propose`."""

import math
from pathlib import Path
from typing import Annotated

import typer
import yaml

from molvae.cli.common import (
    ConfigOption,
    ModelArgument,
    OutTable,
    SeedOption,
    SetOption,
    SmilesColumnOption,
    ThreadsOption,
    settings,
)


def propose(
    model: ModelArgument,
    out: OutTable = None,
    measured: Annotated[
        Path | None,
        typer.Option("--measured", help="Table of what was measured so far; without it, the plate is diverse."),
    ] = None,
    column: Annotated[str | None, typer.Option("--column", help="Column with the measured values.")] = None,
    pool: Annotated[
        Path | None,
        typer.Option("--pool", help="Molecule file to choose from; by default, the model invents molecules."),
    ] = None,
    n: Annotated[
        int | None, typer.Option("--n", min=1, help="Number of molecules on the plate; 96 by default.")
    ] = None,
    minimise: Annotated[
        bool, typer.Option("--minimise", help="Lower values are better; by default, higher ones are.")
    ] = False,
    objective: Annotated[
        str | None,
        typer.Option(
            "--objective",
            help="Objective whose constraints every proposed molecule satisfies. Without --column, its score is "
            "what is measured: a term has the values of the column of its name.",
        ),
    ] = None,
    smiles_column: SmilesColumnOption = None,
    pool_smiles_column: Annotated[
        str | None, typer.Option("--pool-smiles-column", help="The same of the pool.")
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Choose the next plate: molecules to make or buy, and to measure.

    Learns from the measured values, and chooses from a list (--pool) or from what the model invents: four fifths for
    the best predicted values, one fifth for what may be best and is known least, no close analogues of one another,
    nothing that is measured. Writes the columns smiles, predicted, low, high (80 % interval), nearest, nearest_value
    (the most similar measured molecule), why, and then those of the pool; rows of the pool that are not molecules are
    listed in a table next to it. With the new results in the measured table, run it again.
    """
    given = {
        "measured": measured,
        "column": column,
        "pool": pool,
        "n": n,
        "minimise": True if minimise else None,
        "objective": objective,
        "smiles_column": smiles_column,
        "pool_smiles_column": pool_smiles_column,
    }
    # As YAML, since a column may have any name.
    asked = [f"propose.{key}={_yaml(value)}" for key, value in given.items() if value is not None]
    run = settings(config, [*(overrides or []), *asked], seed)

    from molvae.log import logger
    from molvae.parallel import set_threads
    from molvae.propose.face import plate
    from molvae.propose.rejected import rejected_of, replace_rejected
    from molvae.table_writers import STDOUT, table_writer

    file = None if out == STDOUT else out
    if file is not None:
        # Before the work, which would be lost.
        rejected_of(file)
    proposed = plate(model, run.propose, run.seed, run.device, set_threads(threads))
    if file is not None:
        replace_rejected(file, proposed.unusable)
    with table_writer(out) as write:
        smiles = proposed.table["smiles"].tolist()
        write(proposed.table, smiles, [f"proposal-{row + 1}" for row in range(len(smiles))])
    logger.info("%s: %d molecules", out or "plate", len(proposed.table))


def _yaml(value: str | int | Path) -> str:
    plain = str(value) if isinstance(value, Path) else value
    return yaml.safe_dump(plain, allow_unicode=True, width=math.inf)
