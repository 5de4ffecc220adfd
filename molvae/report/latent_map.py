"""The map of the latent space as the page's script takes it: points in layers, with values and structures."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from molvae.chem.descriptors import PROPERTIES
from molvae.report.figures import evenly
from molvae.report.numerals import count, percent
from molvae.report.run_data import Evaluation, Optimization, value_of
from molvae.report.sketches import sketch
from molvae.tables import CANDIDATE_LAYER, PATH_LAYER, REFERENCE_LAYER, SAMPLE_LAYER

MAX_POINTS = 10_000
"""Maximum number of points on the map."""
MAX_SKETCHES = 2_500
"""Maximum number of points with a structure, of about 300 bytes each; those of the others are named by SMILES alone."""

LAYERS = {
    "train": "training molecules",
    "validation": "validation molecules",
    "test": "test molecules",
    SAMPLE_LAYER: "samples",
    PATH_LAYER: "search path",
    CANDIDATE_LAYER: "candidates",
    REFERENCE_LAYER: "reference",
}
"""Titles of the layers, by what the map's tables call them."""

_EMPHASISED = (PATH_LAYER, CANDIDATE_LAYER, REFERENCE_LAYER)


FEWEST_FOR_RANGE = 10
"""Candidates of which four fifths are fewer than all."""


@dataclass(frozen=True)
class Colouring:
    """A property that the points can be coloured by.

    Attributes:
        title: Its title with its unit.
        decimals: Decimals of its values.
        values: A value for each point.
    """

    title: str
    decimals: int
    values: list[float | None]


def map_content(evaluation: Evaluation, searches: Sequence[Optimization] = ()) -> Mapping[str, Any]:
    """Return the map as plain values: `points`, `layers`, `colourings`, and the sentences about it.

    Of the layers, given by number, those in `emphasised` are of searches and are drawn large, and the points of those
    in `joined` are joined by a line.
    """
    points = evaluation.latent_map
    background = evenly(points, MAX_POINTS).reset_index(drop=True)
    background["layer"] = background["split"].map(LAYERS)
    drawn = set(evenly(background, MAX_SKETCHES).index)
    explained = [value_of(evaluation.metrics, f"explained_variance_{axis}") for axis in (1, 2)]
    # Evaluations of earlier versions have axes of their own, on which the searches have no places.
    shown = pd.concat(
        [background, *(_of_searches(searches) if not math.isnan(explained[0]) else ())], ignore_index=True
    )
    drawn.update(range(len(background), len(shown)))
    layers = list(dict.fromkeys(shown["layer"]))
    splits = dict(zip(shown["layer"], shown["split"], strict=True))
    joined = [number for number, layer in enumerate(layers) if splits[layer] == PATH_LAYER]
    return {
        "layers": layers,
        "emphasised": [number for number, layer in enumerate(layers) if splits[layer] in _EMPHASISED],
        "joined": joined,
        "points": [
            [round(x, 3), round(y, 3), layers.index(layer), smiles, sketch(smiles) if place in drawn else ""]
            for place, x, y, layer, smiles in shown[["x", "y", "layer", "smiles"]].itertuples(name=None)
        ],
        "colourings": [asdict(_colouring(name, shown[name])) for name in PROPERTIES if name in shown],
        "caption": _caption(len(background), len(points), bool(joined)),
        "finding": f"{_finding(background, explained)} {_candidates_finding(shown)}".strip(),
    }


def _of_searches(searches: Sequence[Optimization]) -> Iterator[pd.DataFrame]:
    """Yield the points of each search, with the titles of their layers."""
    for search in searches:
        if search.latent_map is not None:
            objective = f" ({search.objective.replace('_', ' ')})" if len(searches) > 1 else ""
            yield search.latent_map.assign(layer=search.latent_map["split"].map(LAYERS) + objective)


def _candidates_finding(shown: pd.DataFrame) -> str:
    """Say where the candidates lie among the training molecules."""
    candidates, train = (shown[shown["split"] == layer] for layer in (CANDIDATE_LAYER, "train"))
    if candidates.empty or train.empty:
        return ""
    if len(candidates) == 1:
        first, second = (round(100 * float((train[axis] < candidates[axis].iloc[0]).mean())) for axis in ("x", "y"))
        return (
            f"The only candidate lies at percentile {first} of the training molecules along the first component, and "
            f"at percentile {second} along the second."
        )
    ranges, ends = [], (0.1, 0.9) if len(candidates) >= FEWEST_FOR_RANGE else (0.0, 1.0)
    for axis in ("x", "y"):
        middle = np.quantile(candidates[axis], ends)
        low, high = (round(100 * float((train[axis] < value).mean())) for value in middle)
        ranges.append(f"percentiles {low} and {high}")
    who = "Four fifths of the candidates" if ends[0] > 0.0 else "The candidates"
    return (
        f"{who} lie between {ranges[0]} of the training molecules along the first component, "
        f"and between {ranges[1]} along the second."
    )


def _colouring(name: str, values: pd.Series) -> Colouring:
    spec = PROPERTIES[name]
    plain = [None if pd.isna(value) else round(float(value), spec.decimals) for value in values]
    return Colouring(spec.title_with_unit, spec.decimals, plain)


def _caption(n_shown: int, n: int, has_path: bool) -> str:
    which = f"{count(n_shown)} of the {count(n)}" if n_shown < n else f"All {count(n)}"
    text = f"{which} mapped molecules, positioned by two principal components of the codes of training molecules."
    return f"{text} A line joins the molecules that were the best of a search, in turn." if has_path else text


def _finding(shown: pd.DataFrame, explained: list[float]) -> str:
    """Say which property the map is ordered by most, and how much of the codes' variance it shows."""
    names = [name for name in PROPERTIES if name in shown]
    correlations = {
        (name, axis): abs(shown[name].corr(shown[axis], method="spearman")) for name in names for axis in ("x", "y")
    }
    known = {key: value for key, value in correlations.items() if value == value}
    parts = []
    if not pd.isna(explained[0]):
        parts.append(f"The two components have {percent(sum(explained))} of the variance of the codes.")
    if known:
        name, axis = max(known, key=lambda key: known[key])
        direction = "first" if axis == "x" else "second"
        parts.append(
            f"The {direction} component goes most with {PROPERTIES[name].title} (rank correlation "
            f"{known[name, axis]:.2f}, its sign left out)."
        )
    return " ".join(parts)
