"""`molvae interpolate`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import ModelArgument


def interpolate(
    model: ModelArgument,
    start: Annotated[str, typer.Argument(help="SMILES of the first molecule.")],
    end: Annotated[str, typer.Argument(help="SMILES of the last molecule.")],
    steps: Annotated[int, typer.Option("--steps", min=2, help="Molecules on the line, both ends included.")] = 8,
    out: Annotated[Path | None, typer.Option("--out", help="CSV to write; by default SMILES go to stdout.")] = None,
) -> None:
    """Show the molecules on the straight line between the latent codes of two."""
    from molvae.model import load

    line = [smiles or "" for smiles in load(model).interpolate(start, end, steps)]
    if out is None:
        typer.echo("\n".join(line))
        return
    import pandas as pd

    from molvae.files import write_table

    write_table(out, pd.DataFrame({"step": range(steps), "smiles": line}))
