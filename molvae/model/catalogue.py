"""What models there are, and what their files say about them; no network is loaded for it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from molvae.errors import DataError
from molvae.files import existing, read_json
from molvae.model.shipped import model_folder, shipped_models

RESULTS = Path("results")

# A row of the tables of metrics in a model's card: key, title, direction, value with its unit, number of molecules.
_CARD_ROW = re.compile(
    r"^\| `(?P<name>[^`\n]+)` \|[^|\n]*\|[^|\n]*\| (?P<value>-?[0-9][0-9.eE+-]*)[^|\n]*\| (?P<n>[0-9,]+) \|$",
    re.MULTILINE,
)
_SPECIAL_TOKENS = 3


@dataclass(frozen=True)
class Metric:
    """A value that was measured when the model was evaluated, and of how many molecules."""

    value: float
    n: int


@dataclass(frozen=True)
class ModelInfo:
    """A trained model as its files describe it.

    Attributes:
        name: Name or folder, as commands accept it.
        folder: Its folder.
        n_molecules: Training molecules.
        n_parameters: Parameters of the networks.
        size_mb: Size of its weights, in 10^6 bytes.
        latent_dim: Size of a code.
        max_length: Most SELFIES tokens of a generated molecule.
        tokens: Its SELFIES tokens, the special ones left out.
        prior: The prior that it samples from by default.
        priors: Lowest validation FCD of each prior when it was trained.
        properties: The properties that its head predicts, each with its unit.
        metrics: What was measured on held-out molecules, if its evaluation is beside it: `exact_reconstruction`,
            `fcd_prior`, the errors of its property head, ...
        model: The settings of its architecture.
        standardisation: How its molecules are standardised.
        training: How it was trained.
    """

    name: str
    folder: Path
    n_molecules: int
    n_parameters: int
    size_mb: float
    latent_dim: int
    max_length: int
    tokens: tuple[str, ...]
    prior: str
    priors: Mapping[str, float]
    properties: Mapping[str, str]
    metrics: Mapping[str, Metric]
    model: Mapping[str, Any]
    standardisation: Mapping[str, Any]
    training: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the description as JSON values."""
        return asdict(self) | {"folder": str(self.folder), "tokens": list(self.tokens)}


def known_models(results: Path = RESULTS) -> list[str]:
    """Return the names of the models that come with molvae, and the folders of those trained in `results`."""
    trained = sorted(path.parent for path in results.glob("*/train/model/config.json"))
    return [*shipped_models(), *map(str, trained)]


def model_info(model: str | Path) -> ModelInfo:
    """Return what the files of a model say.

    Args:
        model: Its folder, or the name of one that comes with molvae.

    Raises:
        DataError: If there is no such model, or one of its files is missing or damaged.
    """
    folder = model_folder(model)
    config = read_json(folder / "config.json", ["model", "generation", "standardisation", "training", "properties"])
    # The trials of format 2 went by another name.
    training = dict(config["training"])
    trials = training.pop("trials", None) or training.pop("priors", [])
    try:
        return ModelInfo(
            name=str(model),
            folder=folder,
            n_molecules=training["n_molecules"],
            n_parameters=training["n_parameters"],
            size_mb=existing(folder / "model.safetensors").stat().st_size / 1e6,
            latent_dim=config["model"]["latent_dim"],
            max_length=config["generation"]["max_length"],
            tokens=tuple(read_json(folder / "vocabulary.json", ["tokens"])["tokens"][_SPECIAL_TOKENS:]),
            prior=config["generation"]["prior"],
            priors=_lowest_fcd(trials),
            properties={scale["name"]: scale["unit"] for scale in config["properties"]},
            metrics=_metrics(folder),
            model=config["model"],
            standardisation=config["standardisation"],
            training=training,
        )
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{folder}: expected the files of a model, found some that lack {error}; train it again"
        ) from error


def _lowest_fcd(trials: list[dict[str, Any]]) -> dict[str, float]:
    """Return the lowest validation FCD of each prior, among the trials with the most samples."""
    most = {trial["prior"]: max(t.get("n", 0) for t in trials if t["prior"] == trial["prior"]) for trial in trials}
    return {
        prior: min(t["validation_fcd"] for t in trials if t["prior"] == prior and t.get("n", 0) == n)
        for prior, n in most.items()
    }


def _metrics(folder: Path) -> dict[str, Metric]:
    """Return the metrics of the run's evaluation, which lies beside the training, or those on the model's card."""
    evaluation, card = folder.parent.parent / "evaluate" / "metrics.json", folder / "README.md"
    if (folder.parent.name, folder.name) == ("train", "model") and evaluation.exists():
        return dict(_flat(read_json(evaluation)))
    if not card.exists():
        return {}
    rows = _CARD_ROW.finditer(card.read_text(encoding="utf-8"))
    return {row["name"]: Metric(float(row["value"]), int(row["n"].replace(",", ""))) for row in rows}


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Metric]]:
    """Yield the metrics of an evaluation, those of a property head as `properties.NAME.METRIC`."""
    for name, entry in content.items():
        if isinstance(entry, dict) and {"value", "n"} <= entry.keys():
            # What could not be computed, a NaN, is written as null.
            if entry["value"] is not None:
                yield above + name, Metric(float(entry["value"]), int(entry["n"]))
        # The comparison of the priors is a table of its own.
        elif isinstance(entry, dict) and name not in ("priors", "software", "machine"):
            yield from _flat(entry, f"{above}{name}.")
