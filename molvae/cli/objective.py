"""`molvae objective`: evaluate an objective on known molecules before a budget is spent on it."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import OptionalOutTable, SmilesColumnOption, ThreadsOption
from molvae.errors import ConfigError


def objective(
    name_or_file: Annotated[
        str | None, typer.Argument(metavar="NAME_OR_FILE", help="Built-in objective (see --list) or YAML file.")
    ] = None,
    molecules: Annotated[
        Path | None, typer.Argument(help="Molecule file: .smi .csv .tsv .sdf .parquet, also .gz .bz2 .zst.")
    ] = None,
    out: OptionalOutTable = None,
    smiles_column: SmilesColumnOption = None,
    threads: ThreadsOption = None,
    list_builtin: Annotated[
        bool,
        typer.Option("--list", help="List the built-in objectives and the quantities that a term can use, and exit."),
    ] = False,
) -> None:
    """Score known molecules by an objective.

    Writes the columns smiles, score, feasible and the raw value of each term and constraint. The score is empty for an
    invalid SMILES and for a molecule that could not be scored. An objective file can run programs and Python code: use
    only files that you trust.
    """
    from molvae.parallel import cpus_to_use

    if list_builtin:
        _list()
        return
    if name_or_file is None or molecules is None or out is None:
        raise ConfigError("expected NAME_OR_FILE MOLECULES --out FILE, found not all of them; see --help")
    _score(name_or_file, molecules, out, smiles_column, cpus_to_use(threads))


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


def _score(name_or_file: str, molecules: Path, out: Path, smiles_column: str | None, n_jobs: int) -> None:
    from molvae.chem.reading import read_molecules
    from molvae.files import write_table
    from molvae.log import logger
    from molvae.optimize.objective import load_objective
    from molvae.optimize.table import score_table

    loaded = load_objective(name_or_file)
    smiles = [record.smiles for record in read_molecules(molecules, smiles_column)]
    table = score_table(loaded, smiles, n_jobs)
    write_table(out, table)
    feasible = table.loc[table["feasible"], "score"]
    best = f"; best score among them {feasible.max():.3f}" if len(feasible) else ""
    logger.info(
        "%s: %d of %d molecules scored, %d of them satisfy the constraints%s",
        *(out, table["score"].notna().sum(), len(table), len(feasible), best),
    )
