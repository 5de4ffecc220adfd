"""`molvae decode`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import ModelArgument, OutTable


def decode(
    model: ModelArgument,
    codes: Annotated[Path, typer.Argument(help="Table with columns z0, z1, ..., as written by `molvae encode`.")],
    out: OutTable,
) -> None:
    """Decode latent codes to molecules, greedily.

    Writes the input table with a column smiles instead of the codes; the cell is empty if a code decodes to no valid
    molecule. An input column smiles is renamed to input_smiles.
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
    logger.info("%d of %d codes decoded to a molecule -> %s", sum(map(bool, decoded)), len(decoded), out)
