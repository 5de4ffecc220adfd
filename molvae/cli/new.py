"""`molvae new`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import IdColumnOption, SmilesColumnOption


def new(
    folder: Annotated[Path, typer.Argument(help="Folder of the project to make; its name is that of the run.")],
    data: Annotated[
        Path, typer.Option("--data", help="Your molecules: .smi .csv .tsv .sdf .parquet, also .gz .bz2 .zst.")
    ],
    smiles_column: SmilesColumnOption = None,
    id_column: IdColumnOption = None,
) -> None:
    """Begin a project: look at a molecule file, and write a config and an objective that fit it.

    Writes FOLDER/config.yaml and FOLDER/objective.yaml, with a comment at each setting, and says the next command. A
    folder that is there is left alone.
    """
    from molvae.data_look import look_at
    from molvae.new_project import CONFIG, OBJECTIVE, create, next_commands
    from molvae.parallel import available_cpus
    from molvae.text import one_line

    look = look_at(data, smiles_column, id_column)
    create(folder, look)
    commands = "\n".join(f"  {command}" for command in next_commands(folder, available_cpus()))
    typer.echo("\n".join(look.lines()))
    if look.base is not None and look.measured:
        column = shlex.quote(one_line(next(iter(look.measured))))
        typer.echo(
            "the objective does not learn from measured values; one command that does, in a project of its own:\n"
            f"  molvae series {shlex.quote(str(data))} --activity {column}"
        )
    typer.echo(f"{folder}: wrote {CONFIG} and {OBJECTIVE}; edit them, then\n{commands}")
