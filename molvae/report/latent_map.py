"""The map of the latent space as the page's script takes it: points in layers, with values and structures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from molvae.chem.descriptors import PROPERTIES
from molvae.report.figures import evenly
from molvae.report.numerals import count, percent
from molvae.report.run_data import Evaluation, value_of
from molvae.report.sketches import sketch

MAX_POINTS = 10_000
"""Maximum number of points on the map."""
MAX_SKETCHES = 2_500
"""Maximum number of points with a structure, of about 300 bytes each; those of the others are named by SMILES alone."""

LAYERS = {"train": "training molecules", "validation": "validation molecules", "test": "test molecules"}
"""Titles of the layers, by what the map's table calls them; others have their own name."""


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


def map_content(evaluation: Evaluation) -> Mapping[str, Any]:
    """Return the map as plain values: `points`, `layers`, `colourings`, and the sentences about it."""
    points = evaluation.latent_map
    shown = evenly(points, MAX_POINTS).reset_index(drop=True)
    layers = list(dict.fromkeys(shown["split"]))
    drawn = set(evenly(shown, MAX_SKETCHES).index)
    explained = [value_of(evaluation.metrics, f"explained_variance_{axis}") for axis in (1, 2)]
    return {
        "layers": [LAYERS.get(layer, layer.replace("_", " ")) for layer in layers],
        "points": [
            [round(x, 3), round(y, 3), layers.index(split), smiles, sketch(smiles) if place in drawn else ""]
            for place, x, y, split, smiles in shown[["x", "y", "split", "smiles"]].itertuples(name=None)
        ],
        "colourings": [asdict(_colouring(name, shown[name])) for name in PROPERTIES if name in shown],
        "caption": _caption(len(shown), len(points)),
        "finding": _finding(shown, explained),
    }


def _colouring(name: str, values: pd.Series) -> Colouring:
    spec = PROPERTIES[name]
    plain = [None if pd.isna(value) else round(float(value), spec.decimals) for value in values]
    return Colouring(spec.title_with_unit, spec.decimals, plain)


def _caption(n_shown: int, n: int) -> str:
    which = f"{count(n_shown)} of the {count(n)}" if n_shown < n else f"All {count(n)}"
    return f"{which} mapped molecules, positioned by the first two principal components of their latent codes."


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
