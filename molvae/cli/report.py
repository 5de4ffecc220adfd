"""`molvae report`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import ConfigOption, SetOption, settings


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run: results/<run>.")],
    out: Annotated[Path | None, typer.Option("--out", help="Page to write; RUN/report.html by default.")] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Put a run on one HTML page that works offline -> report.html, provenance.json, report/figures/.

    The settings that the workflow left under RUN/config/ are shown, and RUN/config/report.yaml is the default of
    --config.
    """
    recorded = folder / "config" / "report.yaml"
    run = settings(recorded if config is None and recorded.exists() else config, overrides)

    from molvae.files import existing
    from molvae.folders import output_folder
    from molvae.log import logger
    from molvae.report import report as report_stage

    page = out or existing(folder) / "report.html"
    beside = page.with_suffix("").name
    with output_folder(page.parent, beside, f"{beside}/figures"):
        logger.info("report: %s", report_stage(folder, run, page))
