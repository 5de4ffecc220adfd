"""What an objective file may say.

An objective file is YAML and reads like the profile a chemist would write down:

    name: polar_and_new
    description: Like the lead, less greasy, and not the lead itself.
    mean: geometric
    terms:
      - similarity: {to: 'CC1=CC=C(C=C1)O', fingerprint: ECFP4}
        clip: {upper: 0.6}
      - property: logp
        window: {low: 1.0, high: 3.0, width: 0.5}
      - property: qed
        weight: 2
    constraints:
      - {property: mol_weight, max: 400}
      - {has: 'S(=O)(=O)[NH2]', name: primary_sulfonamide}
      - {alerts: [PAINS, BRENK]}

A term is one quantity (`property`, `similarity`, `has`, ...) and at most one desirability (`maximise`, `window`, ...).
A path or a module in the file is looked for beside the file.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, ValidationError, model_validator

from molvae.chem.quiet import quiet
from molvae.errors import DataError, ObjectiveError
from molvae.optimize.parts import Constraint, Term
from molvae.optimize.quantities.base import not_empty
from molvae.section import Name, Section
from molvae.untrusted import parse_yaml, read_text
from molvae.validation import explain


class ObjectiveSpec(Section):
    """What "better" means: desirable values of some quantities, within constraints."""

    name: Name
    """Name of the objective, and of its folder of results."""
    description: str = ""
    """What it asks for, and why, in words."""
    mean: Literal["geometric", "arithmetic"] = "geometric"
    """How desirabilities become the score: a geometric mean is 0 if one of them is, an arithmetic one lets terms make
    up for each other."""
    terms: Annotated[tuple[Term, ...], AfterValidator(not_empty)]
    """What is wished for."""
    constraints: tuple[Constraint, ...] = ()
    """What a candidate must satisfy."""

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        for parts in (self.terms, self.constraints):
            titles = [part.title for part in parts]
            twice = sorted({title for title in titles if titles.count(title) > 1})
            if twice:
                raise ValueError(f"expected distinct names, found {', '.join(twice)} twice; give each a name")
        return self


def read_spec(file: Path) -> ObjectiveSpec:
    """Read an objective file.

    Raises:
        DataError: If there is no such file.
        ObjectiveError: One line that names each wrong key, its value, and what would be right.
    """
    try:
        content = parse_yaml(read_text(file))
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: expected a YAML file, found something that cannot be read ({error})") from error
    except yaml.YAMLError as error:
        raise ObjectiveError(
            f"{file}: expected YAML with SMILES and SMARTS in single quotes, found something else ({error})"
        ) from error
    if not isinstance(content, dict):
        raise ObjectiveError(f"{file}: expected an objective (name, terms, ...), found {type(content).__name__}")
    try:
        with quiet():
            return ObjectiveSpec.model_validate(content)
    except ValidationError as error:
        raise ObjectiveError(
            "; ".join(explain(ObjectiveSpec, fault) for fault in error.errors()) + f" ({file})"
        ) from error
