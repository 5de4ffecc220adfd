"""Options shared by several commands."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molvae.errors import ConfigError

if TYPE_CHECKING:
    from molvae.config import RunConfig
    from molvae.model.model import MolVAE


def _table_name(path: Path | None) -> Path | None:
    """Reject an unsupported file extension, and a folder that cannot be written, before any work is done."""
    from molvae.table_writers import check_output

    if path is not None:
        check_output(path)
    return path


def _molecules_name(path: Path | None) -> Path | None:
    """Likewise for what is no more than molecules, which a `.smi` can hold."""
    from molvae.table_writers import MOLECULE_ENDINGS, check_output

    if path is not None:
        check_output(path, MOLECULE_ENDINGS)
    return path


def finite(number: float) -> float:
    """Reject not-a-number and infinity, which pass for numbers within limits."""
    if not math.isfinite(number):
        raise typer.BadParameter(f"expected a finite number, found {number}")
    return number


def _device_name(name: str | None) -> str | None:
    if name not in (None, "auto", "cpu", "cuda"):
        raise ConfigError(f"--device: expected auto, cpu or cuda, found {name!r}")
    return name


def _model_names(incomplete: str) -> list[str]:
    """Return what a shell may complete; the names of folders it completes itself."""
    from molvae.model.catalogue import known_models

    return [name for name in known_models() if name.startswith(incomplete)]


ConfigOption = Annotated[Path | None, typer.Option("--config", help="YAML file with settings; see workflow/config/.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override one setting; may be repeated."),
]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, help="Random seed; overrides the config's `seed`.")]
ModelArgument = Annotated[
    Path,
    typer.Argument(
        help="Model folder, or the name of a model that ships with molvae; see `molvae models`.",
        autocompletion=_model_names,
    ),
]
MoleculesArgument = Annotated[
    Path, typer.Argument(help="Molecule file: .smi .csv .tsv .sdf .parquet, also .gz .bz2 .zst; - for standard input.")
]
SmilesColumnOption = Annotated[
    str | None, typer.Option("--smiles-column", help="Column with the SMILES; detected by its usual names by default.")
]
IdColumnOption = Annotated[
    str | None,
    typer.Option("--id-column", help="Column with the molecules' names; detected by its usual names by default."),
]
ReferenceOption = Annotated[Path, typer.Option("--reference", help="Folder written by `molvae prepare`.")]
OutFolder = Annotated[Path, typer.Option("--out", help="Output folder.")]
OutTable = Annotated[
    Path | None,
    typer.Option(
        "--out",
        callback=_table_name,
        help="Output table: .csv .tsv .parquet .sdf, also .csv.gz .tsv.gz .sdf.gz; standard output (CSV) by default.",
    ),
]
OutMolecules = Annotated[
    Path | None,
    typer.Option(
        "--out",
        callback=_molecules_name,
        help="Output table: .csv .tsv .parquet .sdf .smi, also .gz of all but .parquet; standard output (CSV) by "
        "default.",
    ),
]
ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="Number of CPU cores; all by default.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda",
        callback=_device_name,
        help="Where to compute; by default on a CUDA GPU if there is one.",
    ),
]


def settings(
    config: Path | None, overrides: list[str] | None, seed: int | None = None, device: str | None = None
) -> "RunConfig":
    """Return the validated settings of the run from `--config`, `--set`, `--seed` and `--device`."""
    from molvae.config import load_config

    options = {"seed": seed, "device": device}
    given = [f"{name}={value}" for name, value in options.items() if value is not None]
    return load_config(config, [*(overrides or []), *given])


def load_model(model: Path, device: str | None, threads: int | None) -> tuple["MolVAE", int]:
    """Return the model on its device, and the number of CPU cores that its users may occupy."""
    from molvae.model.loading import load
    from molvae.parallel import set_threads

    n_jobs = set_threads(threads)
    return load(model, device or "auto"), n_jobs
