"""`molvae interpolate`."""

from typing import TYPE_CHECKING, Annotated

import typer

from molvae.cli.common import DeviceOption, ModelArgument, OutMolecules, ThreadsOption, load_model

if TYPE_CHECKING:
    from molvae.model.model import MolVAE


def interpolate(
    model: ModelArgument,
    start: Annotated[
        str, typer.Argument(help="SMILES of the first molecule; or a molecule file or -, whose molecules are visited.")
    ],
    end: Annotated[str | None, typer.Argument(help="SMILES of the last molecule.")] = None,
    steps: Annotated[int, typer.Option("--steps", min=2, help="Number of molecules, including both ends.")] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Random seed.")] = 1,
    out: OutMolecules = None,
    threads: ThreadsOption = None,
    device: DeviceOption = None,
) -> None:
    """Interpolate between two molecules in latent space, or from each molecule of a file to the next.

    Writes the columns step, smiles, similarity_to_start and similarity_to_end (Tanimoto, 2,048-bit ECFP4), and for a
    file also start and end. The ends are the molecules as given, in standard form; the cell is empty where a code
    decodes to no valid molecule. Molecules of a file that the model cannot encode are left out.
    """
    from itertools import pairwise
    from pathlib import Path

    import pandas as pd

    from molvae.chem.fingerprints import similarities_to
    from molvae.errors import ConfigError
    from molvae.molecule_tables import is_file_argument, molecules_of
    from molvae.table_writers import table_writer

    given = [start] if end is None else [start, end]
    if end is None and is_file_argument(start):
        given = list(molecules_of(Path(start)))
    if len(given) < 2:
        raise ConfigError(f"interpolate: expected two SMILES, or a file of at least two molecules, found {start} alone")
    loaded, n_jobs = load_model(model, device, threads)
    if end is None:
        given = _encodable(loaded, given, start, n_jobs)
    with table_writer(out, n_jobs) as write:
        for first, last in pairwise(given):
            line = [smiles or "" for smiles in loaded.interpolate(first, last, steps, seed)]
            columns = {} if end is not None else {"start": first, "end": last}
            similarity = {
                "similarity_to_start": similarities_to(line[0], line),
                "similarity_to_end": similarities_to(line[-1], line),
            }
            table = pd.DataFrame({**columns, "step": range(steps), "smiles": line, **similarity})
            write(table, line, [f"step {step}" for step in range(steps)])


def _encodable(model: "MolVAE", smiles: list[str], file: str, n_jobs: int) -> list[str]:
    """Return the molecules of a file that the model can encode, and tell of the others."""
    from molvae.errors import DataError
    from molvae.log import logger

    encodable = []
    for text, molecule in zip(smiles, model.read(smiles, n_jobs), strict=True):
        if molecule.problem is None:
            encodable.append(text)
        else:
            logger.warning("%s is left out: %s", text, molecule.text())
    if len(encodable) < 2:
        raise DataError(
            f"{file}: expected at least two molecules that the model can encode, found {len(encodable)}; give others"
        )
    return encodable
