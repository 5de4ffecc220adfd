"""`molvae new`."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molvae.cli.common import IdColumnOption, SmilesColumnOption
from molvae.errors import ConfigError

if TYPE_CHECKING:
    from molvae.data_look import DataLook


def new(
    folder: Annotated[Path, typer.Argument(help="Folder of the project to make; its name is that of the run.")],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="Your molecules: .smi .csv .tsv .sdf .parquet, also .gz .bz2 .zst; those of the demo by default.",
        ),
    ] = None,
    smiles_column: SmilesColumnOption = None,
    id_column: IdColumnOption = None,
) -> None:
    """Begin a project: a folder in which `snakemake` runs the workflow, of the demo or of your molecules.

    With --data, looks at the file and writes FOLDER/config.yaml and FOLDER/objective.yaml that fit it, with a comment
    at each setting. Says the next command. A folder that is there is left alone.
    """
    from molvae.data_look import look_at
    from molvae.new_project import CONFIG, OBJECTIVE, create, next_commands, write_project
    from molvae.parallel import available_cpus

    if data is None:
        if smiles_column or id_column:
            raise ConfigError("--smiles-column, --id-column: expected --data, the file that they are columns of")
        write_project(folder, {})
        wrote = "the demo's molecules and the presets in workflow/config/"
    else:
        look = look_at(data, smiles_column, id_column)
        create(folder, look)
        typer.echo("\n".join([*look.lines(), *_about_measured_values(look)]))
        wrote = f"{CONFIG} and {OBJECTIVE}; edit them"
    commands = "\n".join(f"  {command}" for command in next_commands(folder, available_cpus()))
    typer.echo(f"{folder}: wrote {wrote}, then\n{commands}")


def _about_measured_values(look: "DataLook") -> list[str]:
    """Return what leads on where the data have measured values and are too few to train on."""
    if look.base is None or not look.measured:
        return []
    from molvae.text import one_line

    column = shlex.quote(one_line(next(iter(look.measured))))
    return [
        "the objective does not learn from measured values; one command that does, in a project of its own:",
        f"  molvae series {shlex.quote(str(look.path))} --activity {column}",
    ]
