"""`molvae encode`."""

from molvae.cli.common import ModelArgument, MoleculesArgument, OutTable, SmilesColumnOption


def encode(
    model: ModelArgument, molecules: MoleculesArgument, out: OutTable, smiles_column: SmilesColumnOption = None
) -> None:
    """Encode molecules as latent codes.

    Writes the columns id, smiles, z0, z1, ...: the posterior mean of each molecule. The cells are empty for a molecule
    that cannot be encoded.
    """
    import pandas as pd

    from molvae.chem.reading import read_molecules
    from molvae.files import write_table
    from molvae.log import logger
    from molvae.model.loading import load

    records = list(read_molecules(molecules, smiles_column))
    smiles = [record.smiles for record in records]
    codes = pd.DataFrame(load(model).encode(smiles)).add_prefix("z")
    write_table(out, pd.concat([pd.DataFrame({"id": [r.id for r in records], "smiles": smiles}), codes], axis=1))
    logger.info("%d of %d molecules encoded -> %s", int(codes.notna().all(axis=1).sum()), len(records), out)
