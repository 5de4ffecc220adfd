"""`molvae encode`."""

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


def encode(
    model: ModelArgument,
    molecules: MoleculesArgument,
    out: OutTable = None,
    smiles_column: SmilesColumnOption = None,
    id_column: IdColumnOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = None,
) -> None:
    """Encode molecules as latent codes.

    Writes all columns of the input and z0, z1, ..., the posterior mean of each molecule, and problem: why a molecule
    cannot be encoded. Its cells z0, z1, ... are then empty.
    """
    import pandas as pd

    from molvae.model.reading import InputCounts
    from molvae.molecule_tables import add_columns

    loaded, n_jobs = load_model(model, device, threads)
    counts = InputCounts()

    def codes(smiles: list[str]) -> pd.DataFrame:
        inputs = counts.counted(loaded.read(smiles, n_jobs))
        table = pd.DataFrame(loaded.encode_inputs(inputs)).add_prefix("z")
        return table.assign(problem=[molecule.text() for molecule in inputs])

    add_columns(molecules, out, codes, smiles_column, id_column, n_jobs)
    counts.log("encoded")
