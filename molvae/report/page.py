"""Build the report: read the run, draw its figures, write one HTML page, the figures as files, and the provenance."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from molvae.chem.descriptors import compute_properties
from molvae.config import RunConfig
from molvae.files import invalidate, replacing, write_json
from molvae.folders import refuse_link, replacing_files
from molvae.provenance import gather, recorded_sources, settings_of
from molvae.report import diagnostics, figures, sentences, tables, tiles
from molvae.report.cautions import cautions
from molvae.report.figures import Figure
from molvae.report.lead import LeadComparison, lead_comparisons
from molvae.report.numerals import count
from molvae.report.objective_text import ObjectiveText, objective_text
from molvae.report.run_data import Optimization, Run, load_run
from molvae.report.searches import by_origin

REFERENCE_SAMPLE = 2000
"""Maximum number of training and of test molecules whose properties are computed for the distributions."""

CONTENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; img-src data: blob:"
)
"""Forbids the page to load anything. Vega compiles its expressions, hence `unsafe-eval`."""


@dataclass(frozen=True)
class OptimizationPart:
    """What the page shows of one objective.

    Attributes:
        name: The objective's name.
        title: The name as people write it.
        figure: Scores against oracle calls.
        table: The candidates.
        origins: Results of each way to propose molecules.
        constraints: What each constraint rejected.
        objective: The objective in words.
        beside_lead: The best candidates beside the lead, if the objective has one.
        csv_uri: The candidates as a CSV file to download.
    """

    name: str
    title: str
    figure: Figure
    table: tables.CandidateTable
    origins: list[tuple[str, str, str, str, str]]
    constraints: list[tuple[str, str, str]]
    objective: ObjectiveText
    beside_lead: tuple[LeadComparison, ...]
    csv_uri: str


def report(run_folder: Path, config: RunConfig, out: Path | None = None) -> Path:
    """Write the report of a run.

    `provenance.json` and a folder named after the page, with each figure as a file of its own, are written next to it.

    Args:
        run_folder: The run's folder, `results/<run>`.
        config: Settings; those that the run's stages recorded take precedence, except for the report's own.
        out: The page to write; `report.html` in the run's folder by default.

    Returns:
        The page's path.

    Raises:
        DataError: If an output of a stage is missing or unreadable; the message names the stage.
        ConfigError: If a recorded setting is no longer valid.
    """
    page = out or run_folder / "report.html"
    settings = settings_of(run_folder, config)
    run = load_run(run_folder, settings)
    provenance = gather(run_folder, settings)
    distributions = _distributions(run)
    units = {name: str(statistics["unit"]) for name, statistics in run.preparation.properties.items()}
    parts = [_optimization_part(result, units) for result in run.optimizations]
    drawn = [
        figures.training(run.history),
        figures.latent_map(run.evaluation.latent_map),
        *([latent_space] if (latent_space := diagnostics.latent_space(run.evaluation)) else []),
        figures.properties(distributions),
        *(part.figure for part in parts),
    ]
    environment = _environment()
    content = _content(run, drawn, parts, provenance)
    text = environment.get_template("page.html.j2").render(content)
    invalidate(page)
    write_json(page.with_name("provenance.json"), provenance)
    _write_figures(page.with_suffix(""), environment, drawn, content)
    with replacing(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return page


def _optimization_part(result: Optimization, units: Mapping[str, str]) -> OptimizationPart:
    table = tables.candidate_table(result, units)
    return OptimizationPart(
        name=result.objective,
        title=sentences.title_of(result.objective),
        figure=figures.optimization(result),
        table=table,
        origins=tables.origins(by_origin(result.search.trace)),
        # Searches of earlier versions have not counted it.
        constraints=tables.constraints(result.search.summary.get("constraints", {})),
        objective=objective_text(result.search.summary.get("objective", {})),
        beside_lead=lead_comparisons(result),
        csv_uri="data:text/csv;base64," + base64.b64encode(table.csv.encode()).decode(),
    )


def _distributions(run: Run) -> dict[str, pd.DataFrame]:
    """Return the charted properties of training and test molecules and of the samples, the samples last."""
    names = list(figures.CHARTED)
    references = {
        "training molecules": run.preparation.split("train"),
        "test molecules": run.preparation.split("test"),
    }
    distributions = {
        title: compute_properties(figures.evenly(smiles.to_frame(), REFERENCE_SAMPLE)["smiles"].tolist(), names)
        for title, smiles in references.items()
        if len(smiles)
    }
    molecules = run.samples.molecules
    return {**distributions, "valid samples": molecules.loc[molecules["valid"].astype(bool), names]}


def _content(
    run: Run, drawn: list[Figure], parts: list[OptimizationPart], provenance: Mapping[str, Any]
) -> dict[str, Any]:
    """Return everything that the templates show."""
    config = run.settings
    sources = recorded_sources(run.folder)
    decoded_measures, decoded_rows = tables.decoded_rows(run.evaluation.decoded)
    return {
        "title": config.report.title,
        "run": config.run,
        "seed": config.seed,
        "cards": sentences.cards(run),
        "sentences": sentences.sentences(run),
        "cautions": cautions(run, sources),
        "figures": {figure.name: figure for figure in drawn},
        "intake": _intake(run),
        "rejected": [(reason, count(n)) for reason, n in run.preparation.rejected.items()],
        "changed": [(step.replace("_", " "), count(n)) for step, n in run.preparation.changed.items() if n],
        "leakage_rows": tables.leakage_rows(run.preparation.leakage),
        "property_rows": tables.property_rows(run.preparation.properties),
        "model_rows": tables.metric_rows(run.evaluation.metrics),
        "metric_groups": tables.metric_groups({**run.samples.moses, **run.samples.guacamol}),
        "priors": run.evaluation.priors,
        "prior_titles": [tables.prior_title(prior) for prior in run.evaluation.priors],
        "prior_rows": tables.prior_rows(run.evaluation.priors),
        "decoded_measures": decoded_measures,
        "decoded_rows": decoded_rows,
        "pairs": tiles.reconstruction_pairs(run.evaluation.reconstructions, config.report.n_reconstructions),
        "n_reconstructions": count(len(run.evaluation.reconstructions)),
        "tiles": tiles.sample_tiles(run.samples.molecules, config.report.n_molecules),
        "n_samples": count(len(run.samples.molecules)),
        "parts": parts,
        "provenance": provenance,
        "sources": sources,
        "settings_yaml": yaml.safe_dump(provenance["config"], sort_keys=False, width=100),
    }


def _intake(run: Run) -> list[tuple[str, str]]:
    """Return the numbers of rows from the input files to the splits, with their names."""
    prepared = run.preparation
    rows = [
        ("Rows read", prepared.n_read),
        ("Rejected", sum(prepared.rejected.values())),
        ("Duplicates", prepared.n_duplicates),
        ("Kept", len(prepared.molecules)),
        ("… training split", len(prepared.split("train"))),
        ("… validation split", len(prepared.split("validation"))),
        ("… test split", len(prepared.split("test"))),
    ]
    return [(title, count(n)) for title, n in rows]


def _write_figures(beside: Path, environment: Environment, drawn: list[Figure], content: Mapping[str, Any]) -> None:
    """Write each figure to a file in `figures/`: charts as SVG, those with structures or a script as HTML."""
    pages = {
        "latent_map": "latent_map",
        "samples": "samples",
        "reconstructions": "reconstructions",
        **{f"candidates_{part.name}": "candidates" for part in content["parts"]},
    }
    charts = [figure for figure in drawn if figure.name not in pages]
    # Not every run has a chart of the latent space. Figures of objectives that a run no longer has are left alone.
    names = ["latent_space.svg", *(f"{figure.name}.svg" for figure in charts), *(f"{name}.html" for name in pages)]
    refuse_link(beside)
    with replacing_files(beside / "figures", names) as temporary:
        for figure in charts:
            (temporary / f"{figure.name}.svg").write_text(figure.svg(), encoding="utf-8")
        template = environment.get_template("figure.html.j2")
        for name, kind in pages.items():
            part = next((part for part in content["parts"] if name == f"candidates_{part.name}"), None)
            text = template.render(content, kind=kind, part=part, with_charts=kind == "latent_map")
            (temporary / f"{name}.html").write_text(text, encoding="utf-8")


def _environment() -> Environment:
    """Return the environment of the templates, which escapes everything that is not marked as safe here."""
    environment = Environment(
        loader=PackageLoader("molvae.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates = resources.files("molvae.report") / "templates"
    environment.globals.update(
        style=Markup((templates / "page.css").read_text(encoding="utf-8")),
        script=Markup((templates / "page.js").read_text(encoding="utf-8")),
        vega=_vega(),
        content_policy=CONTENT_POLICY,
    )
    environment.filters["safe_svg"] = Markup
    return environment


@cache
def _vega() -> Markup:
    """Return the scripts of Vega, Vega-Lite and Vega-Embed, bundled once per page."""
    import vl_convert

    return Markup(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", figures.VEGALITE))
