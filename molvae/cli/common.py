"""Options that several verbs share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from molvae.config import RunConfig


def _table_name(path: Path | None) -> Path | None:
    """Refuse a file that cannot be written before the work that it is for."""
    from molvae.files import check_table_name

    if path is not None:
        check_table_name(path)
    return path


ConfigOption = Annotated[Path | None, typer.Option("--config", help="YAML file of settings; see workflow/config/.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="One setting over the file's; may be repeated."),
]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, help="The run's seed, in place of the config's.")]
ModelArgument = Annotated[
    Path, typer.Argument(help="Folder of a trained model, or the name of one that comes with molvae.")
]
MoleculesArgument = Annotated[Path, typer.Argument(help="Molecules: .smi .csv .tsv .sdf .parquet, also .gz .bz2 .zst.")]
SmilesColumnOption = Annotated[
    str | None, typer.Option("--smiles-column", help="Column with the SMILES; found by its usual names if not given.")
]
ReferenceOption = Annotated[Path, typer.Option("--reference", help="Folder that `molvae prepare` wrote.")]
OutFolder = Annotated[Path, typer.Option("--out", help="Folder to write.")]
OutTable = Annotated[Path, typer.Option("--out", callback=_table_name, help="Table to write: .csv or .parquet.")]
OptionalOutTable = Annotated[
    Path | None, typer.Option("--out", callback=_table_name, help="Table to write: .csv or .parquet.")
]
ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="CPU cores to use; all by default.")]


def settings(config: Path | None, overrides: list[str] | None, seed: int | None = None) -> "RunConfig":
    """Return the run's checked settings from `--config`, `--set` and `--seed`."""
    from molvae.config import load_config

    seeded = [] if seed is None else [f"seed={seed}"]
    return load_config(config, [*(overrides or []), *seeded])
