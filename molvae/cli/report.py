"""`molvae report`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import ConfigOption, SetOption, settings
from molvae.errors import ConfigError


def report(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders: results/<run>.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Output page; RUN/report.html by default, needed for several runs.")
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Summarise a run, or compare several, on one HTML page that works offline.

    Writes report.html, provenance.json and report/figures/. The page shows the settings that the workflow recorded in
    RUN/config/; --config is RUN/config/report.yaml by default. Several runs are compared on the page that --out names:
    what their settings differ in, their results, and the spread of these.
    """
    if out is not None and out.suffix != ".html":
        raise ConfigError(f"--out {out}: expected a name that ends in .html; give the page another")
    folder, *others = folders
    if others and out is None:
        raise ConfigError(
            f"--out: expected a page to compare {len(folders)} runs on, found none; add --out compare.html"
        )
    recorded = folder / "config" / "report.yaml"
    run = settings(recorded if config is None and recorded.exists() else config, overrides)

    from molvae.files import existing
    from molvae.folders import output_folder
    from molvae.log import logger
    from molvae.parallel import available_cpus
    from molvae.report import compare
    from molvae.report import report as report_stage

    if others and out is not None:
        for other in folders:
            existing(other)
        logger.info("report: %s", compare(folders, run, out))
        return

    page = out or existing(folder) / "report.html"
    parts = page.with_suffix("").name
    with output_folder(page.parent, parts, f"{parts}/figures"):
        logger.info("report: %s", report_stage(folder, run, page, available_cpus()))
