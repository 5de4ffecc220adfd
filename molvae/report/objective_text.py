"""An objective in words, from its specification as the search recorded it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from molvae.chem.quiet import quiet
from molvae.log import logger
from molvae.optimize.spec import ObjectiveSpec


@dataclass(frozen=True)
class TermRow:
    """A term of an objective.

    Attributes:
        title: What tables call it.
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
        terms: Its terms.
        constraints: What a candidate must satisfy.
    """

    description: str
    mean: str
    terms: tuple[TermRow, ...]
    constraints: tuple[str, ...]

    @property
    def score(self) -> str:
        """What the score is, in a few words."""
        return {
            "minimum": "least of the terms’ desirabilities",
            "pareto": "geometric mean of the terms’ desirabilities, but the search keeps them apart",
        }.get(self.mean, f"weighted {self.mean} mean of the terms’ desirabilities")


def read_objective(specification: Mapping[str, Any]) -> ObjectiveSpec | None:
    """Return a recorded objective, None if there is none or this version of molvae cannot read it.

    Nothing of the user's that it names is looked for.
    """
    if not specification:
        return None
    try:
        with quiet():
            return ObjectiveSpec.model_validate(specification)
    except ValidationError:
        logger.warning(
            "objective %s: this version of molvae cannot read the terms that were recorded; the report leaves them out",
            specification.get("name"),
        )
        return None


def objective_text(specification: Mapping[str, Any]) -> ObjectiveText:
    """Return an objective in words.

    Args:
        specification: The objective's specification as plain values; empty if it was not recorded. Of one that this
            version of molvae cannot read, only the description is returned.
    """
    spec = read_objective(specification)
    if spec is None:
        return ObjectiveText(str(specification.get("description", "")), str(specification.get("mean", "")), (), ())
    return ObjectiveText(
        description=spec.description,
        mean=spec.mean,
        terms=tuple(
            TermRow(term.title, term.quantity.text(), term.desirability.text(), f"{term.weight:g}")
            for term in spec.terms
        ),
        constraints=tuple(constraint.text() for constraint in spec.all_constraints),
    )
