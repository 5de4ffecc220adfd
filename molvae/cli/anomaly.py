"""`molvae anomaly`."""

from molvae.cli.common import (
    DeviceOption,
    IdColumnOption,
    ModelArgument,
    MoleculesArgument,
    OutTable,
    SmilesColumnOption,
    ThreadsOption,
    load_model,
)


def anomaly(
    model: ModelArgument,
    molecules: MoleculesArgument,
    out: OutTable = None,
    smiles_column: SmilesColumnOption = None,
    id_column: IdColumnOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = None,
) -> None:
    """Score how far molecules lie from the model's training set.

    Writes all columns of the input and anomaly_score, the mean negative log-likelihood per token, in nats: higher is
    further away. The score is `inf` for a molecule with a token that is not in the vocabulary, which the column problem
    names, and empty for what is not a molecule.
    """
    import pandas as pd

    from molvae.model.reading import InputCounts
    from molvae.molecule_tables import add_columns

    loaded, n_jobs = load_model(model, device, threads)
    counts = InputCounts()

    def scores(smiles: list[str]) -> pd.DataFrame:
        inputs = counts.counted(loaded.read(smiles, n_jobs))
        problems = [molecule.text() for molecule in inputs]
        return pd.DataFrame({"anomaly_score": loaded.score_inputs(inputs), "problem": problems})

    add_columns(molecules, out, scores, smiles_column, id_column, n_jobs)
    counts.log("scored")
