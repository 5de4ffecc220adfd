"""`molvae anomaly`."""

from molvae.cli.common import ModelArgument, MoleculesArgument, OutTable, SmilesColumnOption


def anomaly(
    model: ModelArgument, molecules: MoleculesArgument, out: OutTable, smiles_column: SmilesColumnOption = None
) -> None:
    """Say how unlike its training set a model finds molecules: columns id, smiles, anomaly_score.

    The score is the mean surprise of a token in nats: higher is further away. It is `inf` where the model has no token
    for a part of the molecule, and empty where the SMILES is no molecule.
    """
    import pandas as pd

    from molvae.chem.reading import read_molecules
    from molvae.files import write_table
    from molvae.model.loading import load

    records = list(read_molecules(molecules, smiles_column))
    smiles = [record.smiles for record in records]
    scores = load(model).anomaly_score(smiles)
    write_table(out, pd.DataFrame({"id": [r.id for r in records], "smiles": smiles, "anomaly_score": scores}))
