"""`molvae neighbors`."""

from typing import Annotated

import typer

from molvae.cli.common import ModelArgument, OptionalOutTable


def neighbors(
    model: ModelArgument,
    smiles: Annotated[str, typer.Argument(help="SMILES of the molecule.")],
    n: Annotated[int, typer.Option("--n", min=1, help="Number of distinct analogues.")] = 50,
    radius: Annotated[
        float, typer.Option("--radius", min=0.0, help="Standard deviation of the noise in each latent dimension.")
    ] = 0.5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Random seed.")] = 1,
    out: OptionalOutTable = None,
) -> None:
    """Generate analogues of a molecule by decoding around its latent code.

    Writes the columns smiles and similarity (Tanimoto, 2,048-bit ECFP4), the most similar first, or, without --out,
    prints them.
    """
    import pandas as pd

    from molvae.chem.fingerprints import morgan_bits, tanimoto_matrix
    from molvae.files import write_table
    from molvae.model.loading import load

    analogues = load(model).neighbors(smiles, n, radius, seed)
    similarity = tanimoto_matrix(morgan_bits([smiles], 2048), morgan_bits(analogues, 2048))[0].round(4)
    table = pd.DataFrame({"smiles": analogues, "similarity": similarity})
    table = table.sort_values("similarity", ascending=False, kind="stable")
    if out is None:
        typer.echo("\n".join(f"{row.smiles}\t{row.similarity:.3f}" for row in table.itertuples()))
    else:
        write_table(out, table)
