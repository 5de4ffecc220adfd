"""Build the report: read the run, make the sections, write one HTML page, the figures as files, and the provenance."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment

from molvae.config import RunConfig
from molvae.files import invalidate, replacing, write_json
from molvae.folders import refuse_link, replacing_files
from molvae.parallel import shared_processes
from molvae.provenance import PROVENANCE, gather, settings_of
from molvae.report.candidates import candidate_sections
from molvae.report.decision import decision_sections
from molvae.report.environment import page_environment
from molvae.report.front import front_sections
from molvae.report.lead import lead_sections
from molvae.report.learned import learned_sections
from molvae.report.model_sections import (
    brief_sections,
    data_sections,
    map_sections,
    metric_sections,
    property_sections,
    reconstruction_sections,
    sample_sections,
    training_sections,
)
from molvae.report.plate import plate_sections
from molvae.report.provenance_section import provenance_section
from molvae.report.run_data import load_run
from molvae.report.search import search_sections
from molvae.report.sections import Section, SectionMaker

SECTIONS: tuple[SectionMaker, ...] = (
    decision_sections,
    candidate_sections,
    plate_sections,
    front_sections,
    lead_sections,
    learned_sections,
    search_sections,
    sample_sections,
    property_sections,
    brief_sections,
    data_sections,
    training_sections,
    reconstruction_sections,
    map_sections,
    metric_sections,
)
"""The sections of the page in their order: the answer first, the model's diagnostics last."""


@shared_processes()
def report(run_folder: Path, config: RunConfig, out: Path | None = None, n_jobs: int = 1) -> Path:
    """Write the report of a run.

    `provenance.json` and a folder named after the page, with each figure as a file of its own, are written next to it.

    Args:
        run_folder: The run's folder, `results/<run>`.
        config: Settings; those that the run's stages recorded take precedence, except for the report's own.
        out: The page to write; `report.html` in the run's folder by default.
        n_jobs: Number of processes.

    Returns:
        The page's path.

    Raises:
        DataError: If an output of a stage is missing or unreadable; the message names the stage.
        ConfigError: If a recorded setting is no longer valid.
    """
    page = out or run_folder / "report.html"
    settings = settings_of(run_folder, config)
    run = load_run(run_folder, settings, n_jobs)
    provenance = gather(run_folder, settings)
    sections = [section for make in SECTIONS for section in make(run)]
    environment = page_environment()
    content = {
        "title": settings.report.title,
        "run": settings.run,
        "byline": f"Run {settings.run} · seed {settings.seed} · molvae {provenance['versions']['molvae']}",
        "sections": [*sections, provenance_section(run, provenance)],
    }
    text = environment.get_template("page.html.j2").render(content)
    invalidate(page)
    write_json(page.with_name(PROVENANCE), provenance)
    _write_figures(page.with_suffix(""), environment, sections, content)
    with replacing(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return page


def _write_figures(
    beside: Path, environment: Environment, sections: Sequence[Section], content: Mapping[str, Any]
) -> None:
    """Write each figure to a file in `figures/`: charts as SVG, those with structures or a script as HTML."""
    charts = [figure for section in sections for figure in section.figures]
    pages = [section for section in sections if section.file]
    # Not every run has a chart of the latent space. Figures of objectives that a run no longer has are left alone.
    names = ["latent_space.svg", *(f"{figure.name}.svg" for figure in charts)]
    refuse_link(beside)
    with replacing_files(beside / "figures", [*names, *(f"{section.file}.html" for section in pages)]) as temporary:
        for figure in charts:
            (temporary / f"{figure.name}.svg").write_text(figure.svg(), encoding="utf-8")
        template = environment.get_template("figure.html.j2")
        for section in pages:
            text = template.render(content, section=section)
            (temporary / f"{section.file}.html").write_text(text, encoding="utf-8")
