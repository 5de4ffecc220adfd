"""`molvae report`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import ConfigOption, SetOption, settings


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder: results/<run>.")],
    out: Annotated[Path | None, typer.Option("--out", help="Output page; RUN/report.html by default.")] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Summarise a run on one HTML page that works offline.

    Writes report.html, provenance.json and report/figures/. The page shows the settings that the workflow recorded in
    RUN/config/; --config is RUN/config/report.yaml by default.
    """
    recorded = folder / "config" / "report.yaml"
    run = settings(recorded if config is None and recorded.exists() else config, overrides)

    from molvae.log import logger
    from molvae.report import report as report_stage

    logger.info("report: %s", report_stage(folder, run, out))
