"""An objective in words, from its specification as the search recorded it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molvae.chem.descriptors import PROPERTIES

QUANTITIES = ("property", "similarity", "has", "lacks", "count", "atom_count", "isomer", "python", "command", "alerts")
"""Keys of a term or constraint that say what is computed."""

_WANTED = {
    "maximise": "high: 0 at {low:g}, 1 from {high:g}",
    "minimise": "low: 1 up to {low:g}, 0 at {high:g}",
    "window": "{low:g} to {high:g}, flanks of {width:g}",
    "gaussian": "around {mean:g}, flanks of {sd:g}",
    "min_gaussian": "up to {mean:g}, flank of {sd:g}",
    "max_gaussian": "from {mean:g}, flank of {sd:g}",
    "threshold": "{direction} {at:g}",
    "clip": "high: in proportion, 1 from {upper:g}",
}
"""Desirabilities in words; one that is not here is written as its numbers."""

_NOT_DESIRABILITIES = {*QUANTITIES, "name", "weight", "timeout_s"}


@dataclass(frozen=True)
class TermRow:
    """A term of an objective.

    Attributes:
        title: Its name.
        quantity: What is computed.
        desirability: Which values are wanted.
        weight: Its weight in the mean.
    """

    title: str
    quantity: str
    desirability: str
    weight: str


@dataclass(frozen=True)
class ObjectiveText:
    """An objective.

    Attributes:
        description: What it asks for, in the user's words.
        mean: How desirabilities become the score.
        wishes: Its terms.
        constraints: What must hold.
    """

    description: str
    mean: str
    wishes: tuple[TermRow, ...]
    constraints: tuple[str, ...]


def objective_text(specification: Mapping[str, Any]) -> ObjectiveText:
    """Return an objective in words.

    Args:
        specification: The objective's specification as plain values; empty if it was not recorded.
    """
    return ObjectiveText(
        description=str(specification.get("description", "")),
        mean=str(specification.get("mean", "")),
        wishes=tuple(_wish(term) for term in specification.get("terms", [])),
        constraints=tuple(_constraint(each) for each in specification.get("constraints", [])),
    )


def _quantity(part: Mapping[str, Any]) -> tuple[str, str]:
    """Return the title and the description of what a term or constraint computes."""
    kind = next((key for key in QUANTITIES if part.get(key) is not None), "")
    argument = part.get(kind)
    if kind == "property" and argument in PROPERTIES:
        known = PROPERTIES[str(argument)]
        text = known.title + (f", {known.unit}" if known.unit else "")
    elif isinstance(argument, Mapping):
        text = f"{kind} {_pairs(argument)}"
    elif isinstance(argument, list | tuple):
        text = f"{kind} {', '.join(map(str, argument))}"
    else:
        text = f"{kind.replace('_', ' ')} {argument}"
    default = str(argument) if kind in ("property", "isomer") else kind
    return str(part.get("name") or default), text


def _wish(term: Mapping[str, Any]) -> TermRow:
    title, quantity = _quantity(term)
    kind = next((key for key in term if key not in _NOT_DESIRABILITIES and term[key] is not None), None)
    wanted = "as it is, from 0 to 1" if kind is None else _wanted(kind, term[kind])
    return TermRow(title, quantity, wanted, f"{float(term.get('weight', 1.0)):g}")


def _wanted(kind: str, numbers: Mapping[str, Any]) -> str:
    """Say which values a desirability wants."""
    try:
        return _WANTED[kind].format_map(numbers)
    # A bound that was left out, or a kind without words.
    except (KeyError, TypeError, ValueError):
        return f"{kind.replace('_', ' ')}: {_pairs(numbers)}"


def _constraint(constraint: Mapping[str, Any]) -> str:
    title, quantity = _quantity(constraint)
    if "alerts" in constraint:
        return f"no {' or '.join(map(str, constraint['alerts']))} alert"
    low, high = constraint.get("min"), constraint.get("max")
    bounds = [f"at least {low:g}" if low is not None else "", f"at most {high:g}" if high is not None else ""]
    name = title if title == constraint.get("property") else f"{title} ({quantity})"
    return " ".join([name, " and ".join(bound for bound in bounds if bound)]).strip()


def _pairs(values: Mapping[str, Any]) -> str:
    parts = [
        f"{key} {value:g}" if isinstance(value, int | float) else f"{key} {value}" for key, value in values.items()
    ]
    return ", ".join(parts)
