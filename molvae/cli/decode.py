"""`molvae decode`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import ModelArgument, OutTable


def decode(
    model: ModelArgument,
    codes: Annotated[Path, typer.Argument(help="Table with the columns z0, z1, ..., as `molvae encode` writes it.")],
    out: OutTable,
) -> None:
    """Write the likeliest molecule of each latent code: the column smiles, in place of the codes.

    A code that stands for no molecule has an empty cell. An input column smiles is kept as input_smiles.
    """
    from molvae.files import read_table, write_table
    from molvae.log import logger
    from molvae.model.loading import load

    table = read_table(codes)
    loaded = load(model)
    names = [f"z{i}" for i in range(loaded.latent_dim)]
    decoded = loaded.decode(read_table(codes, names).to_numpy())
    others = table.drop(columns=names).rename(columns={"smiles": "input_smiles"})
    write_table(out, others.assign(smiles=[smiles or "" for smiles in decoded]))
    logger.info("%d of %d codes are molecules -> %s", sum(map(bool, decoded)), len(decoded), out)
