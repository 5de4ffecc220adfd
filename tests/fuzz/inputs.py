"""How inputs for fuzzing are made: from valid ones, by random changes, and from the alphabet of a format."""

import math
import os
from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

N_INPUTS = int(os.environ.get("MOLVAE_FUZZ", "60"))
"""Inputs for each target: few in the ordinary tests, the same each time; `make fuzz` tries many, others each time."""

IS_RANDOM = "MOLVAE_FUZZ" in os.environ

SECONDS_FOR_AN_INPUT = 10.0

fuzzed = settings(
    max_examples=N_INPUTS,
    derandomize=not IS_RANDOM,
    deadline=SECONDS_FOR_AN_INPUT * 1000,
    database=None,
    suppress_health_check=list(HealthCheck),
)

_CHANGE = st.tuples(
    st.sampled_from(["flip", "cut", "remove", "repeat", "insert", "insert", "swap"]),
    st.floats(0.0, 1.0),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=12),
)
# After few changes there is mostly something to be read, after many hardly anything.
_CHANGES = st.one_of(st.lists(_CHANGE, max_size=2), st.lists(_CHANGE, max_size=6))


def _changed(content: bytes, changes: list[tuple[str, float, int, bytes]]) -> bytes:
    content = bytearray(content)
    for kind, place, number, new in changes:
        at = int(place * len(content))
        length = number % 40
        if kind == "flip" and content:
            content[min(at, len(content) - 1)] ^= 1 << number % 8
        elif kind == "cut":
            del content[at:]
        elif kind == "remove":
            del content[at : at + length]
        elif kind == "repeat":
            content[at:at] = content[at : at + length] * (1 + number % 5)
        elif kind == "insert":
            content[at:at] = new
        elif kind == "swap":
            part = content[at : at + length]
            del content[at : at + length]
            content[number % (len(content) + 1) : 0] = part
    return bytes(content)


def changed(*seeds: bytes) -> st.SearchStrategy[bytes]:
    """Return valid contents with some bytes changed, lost, repeated, moved or put in."""
    return st.builds(_changed, st.sampled_from(seeds), _CHANGES)


PIECES = ["", "C", "C", "N", "O", "S", "(C)", "(=O)", "(Cl)", "C1CC1", "=", "[C@@H]", "[NH2+]", "/", "."]


def changed_smiles(seeds: Sequence[str]) -> st.SearchStrategy[str]:
    """Return valid SMILES with up to two signs lost, or atoms, branches, rings and bonds put in."""
    edits = st.lists(st.tuples(st.floats(0.0, 1.0), st.sampled_from(PIECES)), max_size=2)
    return st.builds(_edited, st.sampled_from(seeds), edits)


def _edited(text: str, edits: list[tuple[float, str]]) -> str:
    for place, piece in edits:
        # Behind the first sign, since no branch and no bond may begin a SMILES.
        at = 1 + int(place * (len(text) - 1))
        text = text[:at] + piece + text[at + (not piece) :]
    return text


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "C", "CCO", "..", "1e999", "0", "-1", "[C]", "é", "\0", "9" * 400]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def changed_values(draw: st.DrawFn, seeds: list[object]) -> object:
    """Return valid JSON values in which some parts are others, are gone, or have another name."""
    content = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 2))):
        content = _with_change(draw, content)
    return content


def _with_change(draw: st.DrawFn, content: object) -> object:
    if isinstance(content, str | float | int) and draw(st.integers(0, 3)) > 0:
        return _near(draw, content)
    if not content or not isinstance(content, dict | list) or draw(st.integers(0, 9)) == 0:
        return draw(VALUES)
    if isinstance(content, list):
        at = draw(st.integers(0, len(content) - 1))
        return [*content[:at], _with_change(draw, content[at]), *content[at + 1 :]]
    key = draw(st.sampled_from(sorted(content)))
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return {name: value for name, value in content.items() if name != key}
    if kind == 1:
        return content | {draw(st.text(max_size=8)): draw(VALUES)}
    return content | {key: _with_change(draw, content[key])}


def _near(draw: st.DrawFn, value: str | float) -> str | float:
    """Return a value of the same kind and about the same size, which is often valid as well."""
    if isinstance(value, str):
        return value + draw(st.sampled_from("C1_"))
    if isinstance(value, bool) or not math.isfinite(value):
        return not value
    if isinstance(value, int):
        return draw(st.integers(*sorted([value // 2, value * 2])))
    return draw(st.floats(*sorted([value / 2, value * 2])))
