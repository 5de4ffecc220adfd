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
    from molvae.cli.common import molecule_blocks
    from molvae.files import write_blocks
    from molvae.model.loading import load

    loaded = load(model)
    blocks = molecule_blocks(molecules, smiles_column)
    write_blocks(out, (block.assign(anomaly_score=loaded.anomaly_score(block["smiles"].tolist())) for block in blocks))
