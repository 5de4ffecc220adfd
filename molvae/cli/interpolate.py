"""`molvae interpolate`."""

from typing import Annotated

import typer

from molvae.cli.common import ModelArgument, OptionalOutTable


def interpolate(
    model: ModelArgument,
    start: Annotated[str, typer.Argument(help="SMILES of the first molecule.")],
    end: Annotated[str, typer.Argument(help="SMILES of the last molecule.")],
    steps: Annotated[int, typer.Option("--steps", min=2, help="Number of molecules, including both ends.")] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Random seed.")] = 1,
    out: OptionalOutTable = None,
) -> None:
    """Interpolate between two molecules in latent space.

    Writes the columns step and smiles, or, without --out, prints one SMILES per line.
    """
    import pandas as pd

    from molvae.files import write_table
    from molvae.model.loading import load

    line = [smiles or "" for smiles in load(model).interpolate(start, end, steps, seed)]
    if out is None:
        typer.echo("\n".join(line))
    else:
        write_table(out, pd.DataFrame({"step": range(steps), "smiles": line}))
