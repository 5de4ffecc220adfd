"""`molvae archive`."""

from pathlib import Path
from typing import Annotated

import typer


def archive(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder: results/<run>.")],
    out: Annotated[Path, typer.Option("--out", help="Archive to write: a name that ends in .zip.")],
) -> None:
    """Pack a run as an RO-Crate: a zip file of its results with a description that other tools read.

    The files are compared with provenance.json first, as by `molvae verify`. Needs `pip install 'molvae[crate]'`.
    """
    from molvae.crate import archive as archive_run
    from molvae.files import existing
    from molvae.log import logger

    n_files = archive_run(existing(folder), out)
    logger.info("%d files -> %s", n_files, out)
