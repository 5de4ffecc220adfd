"""`molvae encode`."""

from collections.abc import Iterator

from molvae.cli.common import ModelArgument, MoleculesArgument, OutTable, SmilesColumnOption


def encode(
    model: ModelArgument, molecules: MoleculesArgument, out: OutTable, smiles_column: SmilesColumnOption = None
) -> None:
    """Encode molecules as latent codes.

    Writes the columns id, smiles, z0, z1, ...: the posterior mean of each molecule. The cells are empty for a molecule
    that cannot be encoded.
    """
    import pandas as pd

    from molvae.cli.common import molecule_blocks
    from molvae.files import write_blocks
    from molvae.log import logger
    from molvae.model.loading import load

    loaded = load(model)
    n_encoded = n_molecules = 0

    def encoded() -> Iterator[pd.DataFrame]:
        nonlocal n_encoded, n_molecules
        for block in molecule_blocks(molecules, smiles_column):
            codes = pd.DataFrame(loaded.encode(block["smiles"].tolist())).add_prefix("z")
            n_molecules += len(block)
            n_encoded += int(codes.notna().all(axis=1).sum())
            yield pd.concat([block, codes], axis=1)

    write_blocks(out, encoded())
    logger.info("%d of %d molecules encoded -> %s", n_encoded, n_molecules, out)
