"""`molvae objective`: evaluate an objective on known molecules before a budget is spent on it."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import IdColumnOption, OutTable, SmilesColumnOption, ThreadsOption
from molvae.errors import ConfigError


def objective(
    name_or_file: Annotated[
        str | None, typer.Argument(metavar="NAME_OR_FILE", help="Built-in objective (see --list) or YAML file.")
    ] = None,
    molecules: Annotated[
        Path | None,
        typer.Argument(help="Molecule file: .smi .csv .tsv .sdf .parquet, also .gz .bz2 .zst; - for standard input."),
    ] = None,
    out: OutTable = None,
    smiles_column: SmilesColumnOption = None,
    id_column: IdColumnOption = None,
    threads: ThreadsOption = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only check the objective file and import your own modules, and exit."),
    ] = False,
    list_builtin: Annotated[
        bool,
        typer.Option("--list", help="List the built-in objectives and the quantities that a term can use, and exit."),
    ] = False,
    list_terms: Annotated[
        bool,
        typer.Option(
            "--terms",
            help="List everything an objective file may say, quantities, desirabilities and constraints with an "
            "example of each, and exit.",
        ),
    ] = False,
) -> None:
    """Score known molecules by an objective.

    Writes all columns of the input, score, feasible and the raw value of each term and constraint. The score is empty
    for an invalid SMILES and for a molecule that could not be scored. An objective file can run programs and Python
    code: use only files that you trust.
    """
    from molvae.optimize.objective import load_objective
    from molvae.parallel import cpus_to_use

    if list_builtin:
        _list()
        return
    if list_terms:
        from molvae.optimize.grammar import as_text

        typer.echo(as_text())
        return
    if name_or_file is not None and check:
        load_objective(name_or_file).load_user_code()
        return
    if name_or_file is None or molecules is None:
        raise ConfigError("expected NAME_OR_FILE MOLECULES, found not both of them; see --help")
    _score(name_or_file, molecules, out, (smiles_column, id_column), cpus_to_use(threads))


def _list() -> None:
    from molvae.optimize.desirability import DESIRABILITIES
    from molvae.optimize.objective import builtin_objectives
    from molvae.optimize.quantities import QUANTITIES

    parts = {
        "Built-in objectives": builtin_objectives(),
        "Quantities, of which a term or constraint has one": {
            name: f"{kind.summary()}{' In constraints only.' if kind.constraint_only else ''}"
            for name, kind in QUANTITIES.items()
        },
        "Desirabilities, of which a term has one": {n: kind.summary() for n, kind in DESIRABILITIES.items()},
    }
    for heading, entries in parts.items():
        typer.echo(f"{heading}:")
        for name, description in entries.items():
            typer.echo(f"  {name:<26}{description}")


def _score(
    name_or_file: str, molecules: Path, out: Path | None, columns: tuple[str | None, str | None], n_jobs: int
) -> None:
    import pandas as pd

    from molvae.log import logger
    from molvae.molecule_tables import read_blocks, with_columns
    from molvae.optimize.objective import load_objective
    from molvae.optimize.table import score_table
    from molvae.table_writers import table_writer

    loaded = load_objective(name_or_file)
    # All at once: what fails for the first molecules of many is not tried on the others.
    blocks = list(read_blocks(molecules, *columns))
    smiles = [text for block in blocks for text in block.smiles]
    table = score_table(loaded, smiles, n_jobs).drop(columns="smiles")
    with table_writer(out, n_jobs) as write:
        rows = pd.concat([block.rows for block in blocks], ignore_index=True)
        write(with_columns(rows, table), smiles, [name for block in blocks for name in block.ids])
    feasible = table.loc[table["feasible"], "score"]
    best = f"; best score among them {feasible.max():.3f}" if len(feasible) else ""
    logger.info(
        "%d of %d molecules scored, %d of them satisfy the constraints%s",
        *(table["score"].notna().sum(), len(table), len(feasible), best),
    )
