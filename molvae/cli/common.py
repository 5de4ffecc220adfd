"""Options shared by several commands."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from molvae.config import RunConfig


def _table_name(path: Path | None) -> Path | None:
    """Reject an unsupported file extension, and a folder that cannot be written, before any work is done."""
    from molvae.files import check_table_name, check_writable

    if path is not None:
        check_table_name(path)
        check_writable(path)
    return path


ConfigOption = Annotated[Path | None, typer.Option("--config", help="YAML file with settings; see workflow/config/.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override one setting; may be repeated."),
]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, help="Random seed; overrides the config's `seed`.")]
ModelArgument = Annotated[Path, typer.Argument(help="Model folder, or the name of a model that ships with molvae.")]
MoleculesArgument = Annotated[
    Path, typer.Argument(help="Molecule file: .smi .csv .tsv .sdf .parquet, also .gz .bz2 .zst.")
]
SmilesColumnOption = Annotated[
    str | None, typer.Option("--smiles-column", help="Column with the SMILES; detected by its usual names by default.")
]
ReferenceOption = Annotated[Path, typer.Option("--reference", help="Folder written by `molvae prepare`.")]
OutFolder = Annotated[Path, typer.Option("--out", help="Output folder.")]
OutTable = Annotated[Path, typer.Option("--out", callback=_table_name, help="Output table: .csv or .parquet.")]
OptionalOutTable = Annotated[
    Path | None, typer.Option("--out", callback=_table_name, help="Output table: .csv or .parquet.")
]
ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="Number of CPU cores; all by default.")]


def molecule_blocks(path: Path, smiles_column: str | None) -> "Iterator[pd.DataFrame]":
    """Yield the columns id and smiles of a molecule file block by block, for one that is larger than memory."""
    import pandas as pd

    from molvae.chem.reading import read_molecules
    from molvae.files import BLOCK_ROWS

    records = read_molecules(path, smiles_column)
    while block := list(islice(records, BLOCK_ROWS)):
        yield pd.DataFrame({"id": [record.id for record in block], "smiles": [record.smiles for record in block]})


def settings(config: Path | None, overrides: list[str] | None, seed: int | None = None) -> "RunConfig":
    """Return the validated settings of the run from `--config`, `--set` and `--seed`."""
    from molvae.config import load_config

    seeded = [] if seed is None else [f"seed={seed}"]
    return load_config(config, [*(overrides or []), *seeded])
