"""`molvae anomaly`."""

from molvae.cli.common import ModelArgument, MoleculesArgument, OutTable, SmilesColumnOption


def anomaly(
    model: ModelArgument, molecules: MoleculesArgument, out: OutTable, smiles_column: SmilesColumnOption = None
) -> None:
    """Score how far molecules lie from the model's training set.

    Writes the columns id, smiles and anomaly_score: the mean negative log-likelihood per token, in nats. Higher is
    further away. The score is `inf` for a molecule with a token that is not in the vocabulary, and empty for an invalid
    SMILES.
    """
    import pandas as pd

    from molvae.chem.reading import read_molecules
    from molvae.files import write_table
    from molvae.model.loading import load

    records = list(read_molecules(molecules, smiles_column))
    smiles = [record.smiles for record in records]
    scores = load(model).anomaly_score(smiles)
    write_table(out, pd.DataFrame({"id": [r.id for r in records], "smiles": smiles, "anomaly_score": scores}))
