"""The sections on the model and its samples."""

from typing import Any

import pandas as pd

from molvae.chem.descriptors import compute_properties
from molvae.metrics.cache import Stored, cached
from molvae.report import diagnostics, figures, tables, tiles
from molvae.report.latent_map import map_content
from molvae.report.numerals import count, number, percent, plural
from molvae.report.run_data import Run, value_of
from molvae.report.sections import Section
from molvae.report.sentences import cards, sentences

REFERENCE_SAMPLE = 5000
"""Maximum number of training and of test molecules whose properties are computed for the distributions."""


def sample_sections(run: Run) -> list[Section]:
    """Return the first samples, unselected."""
    molecules = run.samples.molecules
    content = {
        "tiles": tiles.sample_tiles(molecules, run.settings.report.n_molecules),
        "n_samples": count(len(molecules)),
        "finding": _samples_finding(molecules),
    }
    return [Section("samples", "Samples", "samples.html.j2", content, file="samples")]


def _samples_finding(molecules: pd.DataFrame) -> str:
    valid = molecules[molecules["valid"].astype(bool)]
    fractions = {
        "is not in the training set": valid["novel"].astype(bool).mean(),
        "has a ring system that no training molecule has": _mean(valid, "known_ring_systems", 1.0, below=True),
        "is outside the model’s domain": _mean(valid, "anomaly_percentile", 99.0),
        "has a structural alert": _mean(valid, "n_alerts", 0.0),
    }
    parts = [f"{percent(float(value))} {what}" for what, value in fractions.items() if value is not None]
    plurals = [part.replace(" is ", " are ").replace("\u00a0% has ", "\u00a0% have ") for part in parts]
    return f"Of {plural(len(valid), 'valid sample')}, {'; '.join(plurals)}." if len(valid) else ""


def _mean(table: pd.DataFrame, name: str, bound: float, below: bool = False) -> float | None:
    """Return the fraction of the molecules above, or below, a bound; None without such a column."""
    if name not in table:
        return None
    values = table[name]
    return float((values < bound).mean() if below else (values > bound).mean())


def property_sections(run: Run) -> list[Section]:
    """Return the distributions of properties."""
    figure = figures.properties(_distributions(run))
    return [Section("properties", "Properties", "charts.html.j2", {"figure": figure, "columns": 3}, (figure,))]


def _distributions(run: Run) -> dict[str, pd.DataFrame]:
    """Return the charted properties of training and test molecules and of the samples, the samples last."""
    names = list(figures.CHARTED)
    references = {
        "training molecules": run.preparation.split("train"),
        "test molecules": run.preparation.split("test"),
    }
    distributions = {
        title: _properties(figures.evenly(smiles.to_frame(), REFERENCE_SAMPLE)["smiles"].tolist(), names, run.n_jobs)
        for title, smiles in references.items()
        if len(smiles)
    }
    molecules = run.samples.molecules
    return {**distributions, "valid samples": molecules.loc[molecules["valid"].astype(bool), names]}


def _properties(smiles: list[str], names: list[str], n_jobs: int) -> pd.DataFrame:
    """Return properties of reference molecules, from the cache where an earlier page of the same data had them."""

    def compute() -> Stored:
        table = compute_properties(smiles, names, n_jobs)
        return Stored({name: table[name].to_numpy() for name in names})

    return pd.DataFrame(cached("properties", smiles, compute).arrays)[names]


def brief_sections(run: Run) -> list[Section]:
    """Return the headline numbers, and in sentences what was done."""
    return [Section("summary", "Model in brief", "brief.html.j2", {"cards": cards(run), "sentences": sentences(run)})]


def data_sections(run: Run) -> list[Section]:
    """Return the numbers of rows from the input files to the splits."""
    prepared = run.preparation
    rows = [
        ("Rows read", prepared.n_read),
        *([("Stereoisomers added", prepared.n_stereoisomers)] if prepared.n_stereoisomers else []),
        ("Rejected", sum(prepared.rejected.values())),
        ("Duplicates", prepared.n_duplicates),
        ("Kept", len(prepared.molecules)),
        ("… training split", len(prepared.split("train"))),
        ("… validation split", len(prepared.split("validation"))),
        ("… test split", len(prepared.split("test"))),
    ]
    content = {
        "intake": [(title, count(n)) for title, n in rows],
        "rejected": [(reason, count(n)) for reason, n in prepared.rejected.items()],
        "changed": [(step.replace("_", " "), count(n)) for step, n in prepared.changed.items() if n],
        "leakage_rows": tables.leakage_rows(prepared.leakage),
        "property_rows": tables.property_rows(prepared.properties),
    }
    return [Section("data", "Input molecules", "data.html.j2", content)]


def training_sections(run: Run) -> list[Section]:
    """Return the training curves."""
    figure = figures.training(run.history)
    return [Section("training", "Training", "charts.html.j2", {"figure": figure, "columns": 2}, (figure,))]


def reconstruction_sections(run: Run) -> list[Section]:
    """Return the first reconstructions, unselected."""
    rows = run.evaluation.reconstructions
    exact = run.evaluation.metrics.get("exact_reconstruction")
    finding = "" if exact is None else f"{percent(exact.value)} of {plural(exact.n, 'test molecule')} are exact"
    similarity = value_of(run.evaluation.metrics, "reconstruction_similarity")
    content = {
        "pairs": tiles.reconstruction_pairs(rows, run.settings.report.n_reconstructions),
        "n_reconstructions": count(len(rows)),
        "finding": finding and f"{finding}; the mean similarity is {number(similarity)}.",
    }
    return [Section("reconstruction", "Reconstruction", "reconstruction.html.j2", content, file="reconstructions")]


def map_sections(run: Run) -> list[Section]:
    """Return the map of the latent space, and its diagnostics where the run has them."""
    figure = diagnostics.latent_space(run.evaluation)
    content: dict[str, Any] = {"map": map_content(run.evaluation, run.optimizations), "figure": figure}
    shown = (figure,) if figure else ()
    return [Section("map", "Latent space", "map.html.j2", content, shown, file="latent_map")]


def metric_sections(run: Run) -> list[Section]:
    """Return all metrics with their definitions."""
    decoded_measures, decoded_rows = tables.decoded_rows(run.evaluation.decoded)
    content = {
        "model_rows": [
            *tables.metric_rows(run.evaluation.metrics),
            *tables.head_rows(run.evaluation.property_head),
        ],
        "metric_groups": tables.metric_groups({**run.samples.moses, **run.samples.guacamol}),
        "priors": run.evaluation.priors,
        "prior_titles": [tables.prior_title(prior) for prior in run.evaluation.priors],
        "prior_rows": tables.prior_rows(run.evaluation.priors),
        "decoded_measures": decoded_measures,
        "decoded_rows": decoded_rows,
    }
    return [Section("metrics", "Metrics", "metrics.html.j2", content)]
