"""The data of the report: the tables and metrics of a run, as the stages wrote them."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from molvae.config import RunConfig
from molvae.errors import DataError
from molvae.files import read_json
from molvae.inputs import objective_name
from molvae.log import logger
from molvae.metrics.definitions import GUACAMOL
from molvae.metrics.metric import Metric
from molvae.metrics.registry import metrics_from_json
from molvae.report.objective_text import read_objective
from molvae.tables import CANDIDATES, FRONT, HISTORY, LATENT_MAP, MOLECULES, RECONSTRUCTIONS, SCORED_MOLECULES, TRACE


def value_of(metrics: Mapping[str, Metric], name: str) -> float:
    """Return the value of a metric, NaN where there is none of that name."""
    return metrics[name].value if name in metrics else math.nan


@dataclass(frozen=True)
class Prior:
    """A prior of the model, and the metrics of its samples.

    Attributes:
        name: `normal`, `gaussian_mixture`, `flow` or `decoder`.
        title: Its title in tables.
        phrase: What a sentence calls it.
        chosen: Whether training chose it, by the FCD to the validation molecules.
        min_probability: Minimum probability of the tokens of its samples.
        max_nll: Maximum negative log-likelihood of a sample, in nats; None for no bound.
        correction: Power of the density ratio by which a discriminator accepts its samples; 0 for no discriminator.
        metrics: Metrics of its samples by name.
    """

    name: str
    title: str
    phrase: str
    chosen: bool
    min_probability: float
    max_nll: float | None
    correction: float
    metrics: Mapping[str, Metric]


@dataclass(frozen=True)
class Preparation:
    """The input molecules, and which of them were kept.

    Attributes:
        n_read: Number of rows read.
        n_duplicates: Number of rows whose molecule an earlier row has.
        n_stereoisomers: Number of rows that `prepare.stereo: enumerate` added.
        molecules: Columns `id, smiles, split`.
        rejected: Rejected rows by reason, most frequent first; reasons that did not occur are left out.
        changed: Number of rows that each step of standardisation changed.
        leakage: For each held-out split, statistics of its similarity to the training molecules.
        properties: For each measured property, its unit and statistics of its values.
    """

    n_read: int
    n_duplicates: int
    n_stereoisomers: int
    molecules: pd.DataFrame
    rejected: Mapping[str, int]
    changed: Mapping[str, int]
    leakage: Mapping[str, Mapping[str, float]]
    properties: Mapping[str, Mapping[str, Any]]

    @property
    def n_considered(self) -> int:
        """Number of rows that were kept or excluded: those read, and the stereoisomers that were added."""
        return self.n_read + self.n_stereoisomers

    def split(self, name: str) -> pd.Series:
        """Return the SMILES of `train`, `validation` or `test`."""
        return self.molecules.loc[self.molecules["split"] == name, "smiles"]


@dataclass(frozen=True)
class ModelFacts:
    """What the model is, as it says itself: one that is trained further has the architecture of where it began.

    Attributes:
        cell: Its recurrent cell.
        latent_dim: Size of a code.
        n_parameters: Weights of its networks.
        init_from: The model that was trained further; None for one that was trained from random weights.
    """

    cell: str
    latent_dim: int
    n_parameters: int
    init_from: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """How well the model does on molecules it was not trained on.

    Attributes:
        metrics: Metrics by name.
        property_head: Metrics of the property head and of a model without codes, by property.
        unknown_tokens: Molecules of each held-out split that the model cannot read, and that were left out.
        priors: The priors that were compared.
        decoded: Metrics of the molecules that codes decode to, by the kind of code.
        by_size: Exact reconstruction in bins of heavy atoms: `heavy_atoms_from, heavy_atoms_to, exact, low, high, n`.
        by_dimension: A row for each latent dimension: `kl_nats, mean_variance`.
        by_distance: Bins of pairs of molecules: `distance, similarity, n`.
        latent_map: Columns `id, smiles, split, x, y` and properties.
        reconstructions: Columns `smiles, decoded, exact, similarity`.
    """

    metrics: Mapping[str, Metric]
    property_head: Mapping[str, Mapping[str, Metric]]
    unknown_tokens: Mapping[str, int]
    priors: tuple[Prior, ...]
    decoded: Mapping[str, Mapping[str, Metric]]
    by_size: pd.DataFrame
    by_dimension: pd.DataFrame
    by_distance: pd.DataFrame
    latent_map: pd.DataFrame
    reconstructions: pd.DataFrame

    @property
    def chosen(self) -> Prior | None:
        """The prior that training chose."""
        return next((prior for prior in self.priors if prior.chosen), None)

    def prior(self, name: str) -> Prior | None:
        """Return the prior of a name, None if it was not tried."""
        return next((prior for prior in self.priors if prior.name == name), None)


@dataclass(frozen=True)
class Scored:
    """Generated molecules with their properties and the metrics of the benchmarks.

    Attributes:
        moses: MOSES metrics by the names of the MOSES package.
        guacamol: GuacaMol metrics by their names in the registry of metrics.
        novelty: Novelty by canonical SMILES; None where it was not recorded.
        molecules: A row for each generated molecule, in the order of generation.
    """

    moses: Mapping[str, Metric]
    guacamol: Mapping[str, Metric]
    novelty: Metric | None
    molecules: pd.DataFrame


@dataclass(frozen=True)
class Search:
    """One spending of the oracle's budget.

    Attributes:
        trace: A row for each oracle call, in order.
        summary: Counts and means of the stage.
    """

    trace: pd.DataFrame
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class Optimization:
    """The search for one objective.

    Attributes:
        objective: The objective's name.
        search: The search itself.
        candidates: The molecules that are proposed as candidates, best first.
        baseline: The random search under the same budget, if there was one.
        scored: Candidates with properties and alerts, if they were scored.
        front: The molecules that no other one surpasses, where the goals were kept apart.
        further: The same search with further seeds, by the seed.
        latent_map: Where it went on the map of the latent space; None in runs of earlier versions.
    """

    objective: str
    search: Search
    candidates: pd.DataFrame
    baseline: Search | None
    scored: Scored | None
    front: pd.DataFrame | None = None
    further: Mapping[int, Search] = field(default_factory=dict)
    latent_map: pd.DataFrame | None = None


@dataclass(frozen=True)
class Run:
    """All that the report is about.

    Attributes:
        folder: The run's folder.
        settings: The settings that its stages ran with.
        preparation: What came in and what was kept.
        model: What the model is.
        history: Training, a row an epoch.
        evaluation: How well the model does on held-out molecules.
        samples: The samples from its prior, scored.
        optimizations: The searches, in the order of the settings.
        n_jobs: Processes for what the page computes itself.
    """

    folder: Path
    settings: RunConfig
    preparation: Preparation
    model: ModelFacts
    history: pd.DataFrame
    evaluation: Evaluation
    samples: Scored
    optimizations: tuple[Optimization, ...]
    n_jobs: int = 1


def load_run(folder: Path, settings: RunConfig, n_jobs: int = 1) -> Run:
    """Read what the stages of a run wrote.

    Args:
        folder: The run's folder, `results/<run>`.
        settings: The settings that its stages ran with.
        n_jobs: Processes for what the page computes itself.

    Raises:
        DataError: If a file that every report needs is missing or unreadable; the message names the stage to run.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a run's folder, found none; run the workflow, or check the path")
    return Run(
        folder=folder,
        settings=settings,
        preparation=_preparation(folder),
        model=_model(folder, settings),
        history=_of_stage("train", HISTORY.read, folder / "train" / HISTORY.file),
        evaluation=_evaluation(folder),
        samples=_scored(folder / "score" / "sample"),
        optimizations=tuple(_wanted_optimization(folder, name, settings) for name in _objectives(folder, settings)),
        n_jobs=n_jobs,
    )


def _of_stage(stage: str, read: Callable[[Path], Any], path: Path) -> Any:
    """Read a file that `stage` writes, or name that stage in the error."""
    if not path.exists():
        raise DataError(f"{path}: expected the outcome of `molvae {stage}`, found none; run that stage first")
    return read(path)


def _model(folder: Path, settings: RunConfig) -> ModelFacts:
    content = _of_stage("train", read_json, folder / "train" / "model" / "config.json")
    # Models of the first version do not say what they are.
    own, training = content.get("model", {}), content["training"]
    return ModelFacts(
        cell=str(own.get("cell", settings.train.cell)),
        latent_dim=int(own.get("latent_dim", settings.train.latent_dim)),
        n_parameters=int(training["n_parameters"]),
        init_from=training.get("init_from"),
    )


def _preparation(folder: Path) -> Preparation:
    prepared = folder / "prepare"
    # The measured values of millions of molecules are not needed.
    shown = ["id", "smiles", "split"]
    molecules = _of_stage("prepare", lambda path: MOLECULES.read(path, shown), prepared / MOLECULES.file)
    summary = _of_stage("prepare", read_json, prepared / "summary.json")
    return Preparation(
        n_read=int(summary["read"]),
        n_duplicates=int(summary["duplicates"]),
        # Runs of earlier versions do not record it.
        n_stereoisomers=int(summary.get("stereoisomers", 0)),
        molecules=molecules[shown],
        rejected={reason: n for reason, n in sorted(summary["rejected"].items(), key=lambda item: -item[1]) if n},
        changed=summary["changed"],
        # Runs of the first version have neither.
        leakage=summary.get("leakage", {}),
        properties=summary.get("properties", {}),
    )


def _evaluation(folder: Path) -> Evaluation:
    evaluated = folder / "evaluate"
    metrics = _of_stage("evaluate", read_json, evaluated / "metrics.json")
    reconstructions = _of_stage("evaluate", RECONSTRUCTIONS.read, evaluated / RECONSTRUCTIONS.file)
    priors = [
        Prior(
            name,
            # Runs of the first version have none of these but `chosen`.
            content.get("title", name),
            content.get("phrase", name),
            bool(content.get("chosen")),
            float(content.get("min_probability", 0.0)),
            content.get("max_nll"),
            float(content.get("correction", 0.0)),
            metrics_from_json(content),
        )
        for name, content in metrics.get("priors", {}).items()
    ]
    return Evaluation(
        metrics=metrics_from_json(metrics),
        property_head={name: metrics_from_json(content) for name, content in metrics.get("property_head", {}).items()},
        unknown_tokens=metrics.get("unknown_tokens", {}),
        priors=tuple(priors),
        # Runs of the first version have none of the next four.
        decoded={kind: metrics_from_json(content) for kind, content in metrics.get("decoded", {}).items()},
        by_size=pd.DataFrame(metrics.get("reconstruction_by_size", [])),
        by_dimension=pd.DataFrame(metrics.get("by_dimension", [])),
        by_distance=pd.DataFrame(metrics.get("similarity_by_distance", [])),
        latent_map=_of_stage("evaluate", LATENT_MAP.read, evaluated / LATENT_MAP.file),
        reconstructions=_with_texts(reconstructions, "decoded"),
    )


def _scored(folder: Path) -> Scored:
    metrics = _of_stage("score", read_json, folder / "metrics.json")
    molecules = _of_stage("score", SCORED_MOLECULES.read, folder / SCORED_MOLECULES.file)
    moses = metrics_from_json(metrics["moses"])
    return Scored(
        moses=moses,
        # Runs of the first version have no metrics of GuacaMol.
        guacamol=metrics_from_json(metrics.get("guacamol", {}), GUACAMOL),
        # Runs of earlier versions have MOSES's novelty alone.
        novelty=metrics_from_json(metrics).get("novelty", moses.get("Novelty")),
        molecules=_with_texts(molecules, "smiles", "canonical_smiles", "alerts", "nearest_train_smiles"),
    )


def _with_texts(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the table with empty cells of text columns as ""; a column of only empty cells is read as numbers."""
    present = [column for column in columns if column in table]
    return table.astype(dict.fromkeys(present, "str")).fillna(dict.fromkeys(present, ""))


def _objectives(folder: Path, settings: RunConfig) -> list[str]:
    """Return the objectives with results: those of the settings, or all of them if none of those is among them."""
    names = sorted(path.parent.name for path in (folder / "optimize").glob("*/summary.json"))
    wanted = [objective_name(objective) for objective in settings.optimize.objectives]
    shown = [name for name in wanted if name in names] or (names if wanted else [])
    left_out = [name for name in names if name not in shown]
    if left_out:
        logger.warning("report: not among optimize.objectives and left out: %s", ", ".join(left_out))
    return shown


def _wanted_optimization(folder: Path, objective: str, settings: RunConfig) -> Optimization:
    """Read the search for an objective, without the baseline and the seeds of an earlier run with other settings."""
    optimize = settings.optimize
    summary = _of_stage("optimize", read_json, folder / "optimize" / objective / "summary.json")
    spec = read_objective(summary.get("objective", {}))
    has_baseline = optimize.has_baseline(is_external=spec is not None and spec.is_external)
    return load_optimization(folder, objective, has_baseline=has_baseline, seeds={*optimize.seeds} - {settings.seed})


def load_optimization(
    folder: Path, objective: str, *, has_baseline: bool = True, seeds: Collection[int] | None = None
) -> Optimization:
    """Read the results of the search for an objective.

    Args:
        folder: The run's folder, `results/<run>`.
        objective: The objective's name.
        has_baseline: Whether to read the baseline, if there is one.
        seeds: The further seeds to read, those that are there; all by default.
    """
    optimized = folder / "optimize" / objective
    scored = folder / "score" / objective
    mapped, baseline = optimized / LATENT_MAP.file, optimized / "baseline"
    candidates = _of_stage("optimize", CANDIDATES.read, optimized / CANDIDATES.file)
    return Optimization(
        objective=objective,
        search=_search(optimized),
        candidates=_with_texts(candidates, "nearest_train_smiles"),
        baseline=_search(baseline) if has_baseline and (baseline / "summary.json").exists() else None,
        scored=_scored(scored) if (scored / "metrics.json").exists() else None,
        front=FRONT.read(optimized / FRONT.file) if (optimized / FRONT.file).exists() else None,
        further=_further(optimized, seeds),
        latent_map=LATENT_MAP.read(mapped) if mapped.exists() else None,
    )


def _further(folder: Path, wanted: Collection[int] | None) -> dict[int, Search]:
    texts = [path.parent.name.removeprefix("seed-") for path in folder.glob("seed-*/summary.json")]
    # A folder may be a user's own, such as seed-2-backup.
    seeds = sorted(int(text) for text in texts if text.isascii() and text.isdigit())
    return {seed: _search(folder / f"seed-{seed}") for seed in seeds if wanted is None or seed in wanted}


def _search(folder: Path) -> Search:
    return Search(
        trace=_of_stage("optimize", TRACE.read, folder / TRACE.file),
        summary=_of_stage("optimize", read_json, folder / "summary.json"),
    )
