"""`molvae verify`."""

from pathlib import Path
from typing import Annotated

import typer


def verify(folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder: results/<run>.")]) -> None:
    """Compare the files of a run with the hashes in its provenance.json.

    Prints each file that was changed, is gone, or is not in the provenance, and then exits with status 1. Inputs are
    looked for from the working folder; those that are not here are listed too, and are no failure.
    """
    from molvae.errors import DataError
    from molvae.files import existing
    from molvae.log import logger
    from molvae.verification import verify as verify_run

    verification = verify_run(existing(folder))
    for line in verification.lines():
        typer.echo(line)
    if not verification.fits:
        n_others = len(verification.changed) + len(verification.missing) + len(verification.added)
        raise DataError(
            f"{folder}: expected the files of provenance.json, found {n_others} that are changed, missing or new; "
            "restore them, or run the workflow again"
        )
    logger.info("%s: %d files are those of provenance.json", folder, verification.n_files)
