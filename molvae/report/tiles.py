"""Molecules in grids: samples with their properties, and reconstructions next to their inputs."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from molvae.report.drawings import draw
from molvae.report.numerals import number

FAR_PERCENTILE = 99.0
"""Percentile of the anomaly score above which a molecule lies outside the model's domain."""


@dataclass(frozen=True)
class Tile:
    """A molecule with its caption.

    Attributes:
        smiles: The molecule; empty for an invalid sample.
        svg: Its drawing.
        badge: A word or two on its novelty.
        facts: Name and value pairs under the drawing.
        known: Whether it is a training molecule.
        flags: What a chemist would look at twice, a word or two each.
    """

    smiles: str
    svg: str
    badge: str
    facts: tuple[tuple[str, str], ...]
    known: bool = False
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pair:
    """A molecule and its reconstruction.

    Attributes:
        given: The input.
        decoded: The output; empty if it is not a valid molecule.
        given_svg: Drawing of the input.
        decoded_svg: Drawing of the output, oriented like the input's.
        exact: Whether the two are the same molecule.
        note: `exact`, `invalid`, or the similarity.
    """

    given: str
    decoded: str
    given_svg: str
    decoded_svg: str
    exact: bool
    note: str


def sample_tiles(molecules: pd.DataFrame, n: int) -> list[Tile]:
    """Return the first `n` samples, in order of generation, unselected."""
    return [_tile(row) for row in molecules.head(n).to_dict("records")]


def _tile(row: Mapping[Hashable, Any]) -> Tile:
    smiles = str(row["smiles"])
    svg = draw(smiles)
    if not svg:
        return Tile(smiles, "", "invalid", ())
    properties = [("MW", "mol_weight", 0), ("logP", "logp", 1), ("QED", "qed", 2), ("SA", "sa_score", 1)]
    facts = [(title, number(float(row[name]), digits)) for title, name, digits in properties]
    nearest = number(float(row["nearest_train_similarity"]), 2)
    known = not row["novel"]
    badge = "in training set" if known else f"new, nearest {nearest}"
    return Tile(smiles, svg, badge, tuple(facts), known, tuple(_flags(row)))


def _flags(row: Mapping[Hashable, Any]) -> list[str]:
    """Return what a chemist would look at twice; columns that runs of earlier versions lack are passed over."""
    flags = []
    if float(row.get("known_ring_systems", 1.0)) < 1.0:
        flags.append("unseen ring")
    if float(row.get("anomaly_percentile", 0.0)) > FAR_PERCENTILE:
        flags.append("outside the domain")
    if row.get("alerts"):
        flags.append("alert")
    return flags


def reconstruction_pairs(reconstructions: pd.DataFrame, n: int) -> list[Pair]:
    """Return the first `n` reconstructions, unselected."""
    return [_pair(row) for row in reconstructions.head(n).to_dict("records")]


def _pair(row: Mapping[Hashable, Any]) -> Pair:
    given, decoded = str(row["smiles"]), str(row["decoded"])
    exact = bool(row["exact"])
    note = "exact" if exact else f"similarity {number(float(row['similarity']), 2)}"
    return Pair(given, decoded, draw(given), draw(decoded, given), exact, note if decoded else "invalid")
