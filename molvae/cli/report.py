"""`molvae report`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import ConfigOption, SetOption, settings
from molvae.errors import ConfigError


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
    if out is not None and out.suffix != ".html":
        raise ConfigError(f"--out {out}: expected a name that ends in .html; give the page another")
    recorded = folder / "config" / "report.yaml"
    run = settings(recorded if config is None and recorded.exists() else config, overrides)

    from molvae.files import existing
    from molvae.folders import output_folder
    from molvae.log import logger
    from molvae.report import report as report_stage

    page = out or existing(folder) / "report.html"
    parts = page.with_suffix("").name
    with output_folder(page.parent, parts, f"{parts}/figures"):
        logger.info("report: %s", report_stage(folder, run, page))
