"""`molvae decode`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import DeviceOption, ModelArgument, OutMolecules, ThreadsOption, load_model


def decode(
    model: ModelArgument,
    codes: Annotated[
        Path,
        typer.Argument(help="Table with columns z0, z1, ..., as written by `molvae encode`; - for standard input."),
    ],
    out: OutMolecules = None,
    threads: ThreadsOption = None,
    device: DeviceOption = None,
) -> None:
    """Decode latent codes to molecules, greedily.

    Writes the input table with a column smiles instead of the codes; the cell is empty if a code decodes to no valid
    molecule. An input column smiles is renamed to input_smiles.
    """
    from molvae.log import logger
    from molvae.molecule_tables import names_of, read_arrays, with_columns
    from molvae.table_writers import table_writer

    loaded, n_jobs = load_model(model, device, threads)
    n = n_decoded = 0
    with table_writer(out, n_jobs) as write:
        for others, numbers in read_arrays(codes, [f"z{i}" for i in range(loaded.latent_dim)]):
            smiles = [molecule or "" for molecule in loaded.decode(numbers)]
            n, n_decoded = n + len(smiles), n_decoded + sum(map(bool, smiles))
            write(with_columns(others, {"smiles": smiles}), smiles, names_of(others))
    logger.info("%d of %d codes decoded to a molecule", n_decoded, n)
