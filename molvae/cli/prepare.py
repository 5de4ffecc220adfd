"""The verb `prepare`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import (
    ConfigOption,
    OutFolder,
    SeedOption,
    SetOption,
    SmilesColumnOption,
    ThreadsOption,
    settings,
)


def prepare(
    out: OutFolder,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Molecule files: .smi .csv .tsv .sdf .parquet, also .gz .bz2 .zst; the config's `input` by default.",
        ),
    ] = None,
    test: Annotated[
        Path | None, typer.Option("--test", help="File of test molecules; the config's `test_input` by default.")
    ] = None,
    smiles_column: SmilesColumnOption = None,
    id_column: Annotated[
        str | None, typer.Option("--id-column", help="Column with the names; source and line serve by default.")
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Standardise, filter and split molecules, and write them as SELFIES.

    Writes molecules.parquet, rejected.csv (every row left out, with its reason), vocabulary.json and summary.json.
    """
    from molvae.chem.parallel import cpus_to_use
    from molvae.prepare import prepare as run

    run_config = settings(config, overrides, seed)
    chosen = run_config.prepare
    columns = {"smiles_column": smiles_column, "id_column": id_column}
    chosen = chosen.model_copy(update={name: value for name, value in columns.items() if value is not None})
    test_input = test or (Path(chosen.test_input) if chosen.test_input else None)
    run(
        files or [Path(name) for name in chosen.input],
        out,
        chosen,
        run_config.seed,
        test_input=test_input,
        n_jobs=cpus_to_use(threads),
    )
