"""`molvae series`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import IdColumnOption, SmilesColumnOption, finite


def series(
    table: Annotated[
        Path, typer.Argument(help="Table of the measured series: .csv .tsv .sdf .parquet, also .gz .bz2 .zst.")
    ],
    activity: Annotated[str, typer.Option("--activity", help="Column with the measured activity, such as pIC50.")],
    minimise: Annotated[
        bool, typer.Option("--minimise", help="Lower values are better, as of a concentration.")
    ] = False,
    lead: Annotated[
        str | None, typer.Option("--lead", help="SMILES of the molecule to improve; the most active one by default.")
    ] = None,
    core: Annotated[
        str | None,
        typer.Option(
            "--core",
            help="SMARTS pattern, or SMILES with attachment points [*:1], that candidates hold; by default what the "
            "most active molecules have in common, if most of the series have it.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the project to make; named after the table by default.")
    ] = None,
    minutes: Annotated[
        float,
        typer.Option(
            "--minutes", min=1.0, max=100_000.0, callback=finite, help="Minutes that it may take on two cores, roughly."
        ),
    ] = 15.0,
    cores: Annotated[int | None, typer.Option("--cores", min=1, help="Number of CPU cores; all by default.")] = None,
    smiles_column: SmilesColumnOption = None,
    id_column: IdColumnOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write the project, and say what would run.")] = False,
) -> None:
    """Search for better molecules of a measured series, from its table to a report.

    Fine-tunes the shipped model that reads the series, learns the activity, searches around the lead and the core for
    molecules of a better predicted activity, and reports them.

    Writes OUT/config.yaml and OUT/objective.yaml, with a comment at each setting, and runs Snakemake in OUT. The same
    command again goes on where it stopped.
    """
    from molvae.data_look import look_at
    from molvae.new_project import CONFIG, OBJECTIVE, next_commands
    from molvae.parallel import available_cpus
    from molvae.series.plan import plan_series
    from molvae.series.workflow import default_folder, lay_series, report_of, run_workflow

    look = look_at(table, smiles_column, id_column)
    plan = plan_series(look, activity, minimise=minimise, lead=lead, core=core)
    folder = default_folder(table) if out is None else out
    lay_series(folder, plan, minutes)
    n_cores = cores or available_cpus()
    commands = "\n".join(f"  {command}" for command in next_commands(folder, n_cores))
    typer.echo("\n".join([*look.lines(), *plan.lines()]))
    watch = f"  molvae watch {shlex.quote(str(folder))}"
    if dry_run:
        typer.echo(f"{folder}: has {CONFIG} and {OBJECTIVE}, to change as you like; to run\n{commands}")
        return
    typer.echo(f"{folder}: runs\n{commands}\nto see how far it is, in another terminal\n{watch}")
    status = run_workflow(folder, n_cores)
    if status:
        raise typer.Exit(status)
    typer.echo(f"report: {report_of(folder)}")
