"""`molvae neighbors`."""

from typing import Annotated

import typer

from molvae.cli.common import (
    DeviceOption,
    IdColumnOption,
    ModelArgument,
    OutMolecules,
    SmilesColumnOption,
    ThreadsOption,
    finite,
    load_model,
)


def neighbors(
    model: ModelArgument,
    molecules: Annotated[
        str, typer.Argument(metavar="SMILES|FILE", help="SMILES of the molecule; or a molecule file, or -.")
    ],
    n: Annotated[int, typer.Option("--n", min=1, help="Number of distinct analogues of each molecule.")] = 50,
    radius: Annotated[
        float,
        typer.Option(
            "--radius", min=0.0, callback=finite, help="Standard deviation of the noise in each latent dimension."
        ),
    ] = 0.5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Random seed.")] = 1,
    out: OutMolecules = None,
    smiles_column: SmilesColumnOption = None,
    id_column: IdColumnOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = None,
) -> None:
    """Generate analogues of molecules by decoding around their latent codes.

    Writes the columns smiles and similarity to the molecule's standard form (Tanimoto, 2,048-bit ECFP4), the most
    similar first; for a file, after all columns of the molecule that the analogues are of, with its smiles as
    input_smiles.
    """
    from pathlib import Path

    import pandas as pd

    from molvae.chem.fingerprints import similarities_to
    from molvae.errors import DataError
    from molvae.log import logger
    from molvae.molecule_tables import MoleculeBlock, is_file_argument, read_blocks, with_columns
    from molvae.table_writers import table_writer

    is_file = is_file_argument(molecules)
    loaded, n_jobs = load_model(model, device, threads)
    single = MoleculeBlock(pd.DataFrame(index=[0]), [molecules], ["neighbor"])
    blocks = read_blocks(Path(molecules), smiles_column, id_column) if is_file else [single]
    n_encoded = 0
    with table_writer(out, n_jobs) as write:
        for block in blocks:
            for row, (smiles, name) in enumerate(zip(block.smiles, block.ids, strict=True)):
                try:
                    analogues = loaded.neighbors(smiles, n, radius, seed)
                except DataError as error:
                    if not is_file:
                        raise
                    logger.warning("%s is left out: %s", name, error)
                    continue
                n_encoded += 1
                # What was encoded: without counterions, and with charges as in the training molecules.
                [standard] = loaded.read([smiles])
                similarity = similarities_to(standard.smiles or smiles, analogues)
                found = pd.DataFrame({"smiles": analogues, "similarity": similarity})
                found = found.sort_values("similarity", ascending=False, kind="stable", ignore_index=True)
                own = block.rows.iloc[[row] * len(found)].reset_index(drop=True)
                write(with_columns(own, found), found["smiles"].tolist(), [name] * len(found))
        if not n_encoded:
            raise DataError(
                f"{molecules}: expected at least one molecule that the model can encode, found none; see the warnings"
            )
