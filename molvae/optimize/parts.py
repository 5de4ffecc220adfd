"""The parts of an objective: terms with their desirabilities, and hard constraints.

In a file the keys of a part are side by side: `{property: logp, window: {...}, weight: 2}`. One of them says what is
computed and at most one how desirable its values are; each is looked up in its registry and read by the class there.
"""

import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, NoReturn, Self

from pydantic import (
    BaseModel,
    Field,
    FiniteFloat,
    ValidationError,
    create_model,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from molvae.optimize.desirability import DESIRABILITIES, Desirability, Identity
from molvae.optimize.quantities import QUANTITIES, Quantity
from molvae.section import Name, Section
from molvae.validation import explain

# Columns of a score table that a term must not be called.
RESERVED_NAMES = frozenset({"smiles", "score", "feasible"})

# Far beyond these, powers of desirabilities are all 0 or all 1.
Weight = Annotated[float, Field(ge=1e-6, le=1e6)]


class Measured(Section):
    """A quantity of a molecule, and what it is called."""

    name: Name | None = None
    """What tables call it; by default the property or the kind of quantity."""
    quantity: Quantity
    """What is computed; equal for two parts that need the same number."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, content: Any) -> Any:
        """Make objects of the keys that are side by side in a file."""
        if not isinstance(content, Mapping) or isinstance(content.get("quantity"), Quantity):
            return content
        given = {key: value for key, value in content.items() if value is not None}
        _refuse_elsewhere(given, cls.quantity_kinds())
        _refuse_unknown(given, cls.file_keys())
        return cls._parsed(given)

    @model_serializer
    def _written(self) -> dict[str, Any]:
        """Return the keys as they are in a file."""
        return {key: value for key, value in self._entries().items() if value is not None}

    @classmethod
    def quantity_kinds(cls) -> list[str]:
        """Return the kinds of quantities that such a part may have."""
        return list(QUANTITIES)

    @classmethod
    def file_keys(cls) -> list[str]:
        """Return all keys that such a part may have in a file."""
        of_quantities = [key for kind in cls.quantity_kinds() for key in QUANTITIES[kind].model_fields]
        return [*(key for key in cls.model_fields if key != "quantity"), *of_quantities]

    @property
    def title(self) -> str:
        """The name given, or one made from the quantity."""
        return self.quantity.title() if self.name is None else self.name

    @classmethod
    def _parsed(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        kinds = cls.quantity_kinds()
        asked = [kind for kind in kinds if kind in given]
        if len(asked) != 1:
            given_kinds = " and ".join(asked) or "none"
            raise ValueError(f"expected exactly one quantity ({', '.join(kinds)}), found {given_kinds}")
        kind = QUANTITIES[asked[0]]
        for other in (QUANTITIES[name] for name in kinds):
            for key in other.model_fields:
                if key in given and key not in kind.model_fields:
                    owners = [name for name in kinds if key in QUANTITIES[name].model_fields]
                    raise ValueError(f"{key}: expected with a {' or '.join(owners)} only")
        quantity = _validated(kind, {key: given[key] for key in kind.model_fields if key in given})
        return {"quantity": quantity, **{key: given[key] for key in given if key not in kind.model_fields}}

    def _entries(self) -> dict[str, Any]:
        return {"name": self.name, **self.quantity.model_dump(mode="json", exclude_none=True)}


class Term(Measured):
    """A quantity and how desirable its values are; without a desirability, the quantity itself is one."""

    weight: Weight = 1.0
    """Weight in the mean."""
    desirability: Desirability = Identity()
    """From a value of the quantity to its desirability in [0, 1]."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if isinstance(self.desirability, Identity) and not self.quantity.in_unit_interval():
            raise ValueError(
                f"expected a desirability ({', '.join(DESIRABILITIES)}), since {self.title} is not between 0 and 1; "
                "found none"
            )
        if self.title in RESERVED_NAMES:
            raise ValueError(
                f"name: expected another name than {', '.join(sorted(RESERVED_NAMES))}, found {self.title!r}"
            )
        return self

    @classmethod
    def quantity_kinds(cls) -> list[str]:
        """Return the kinds of quantities that have values to be desired."""
        return [kind for kind, quantity in QUANTITIES.items() if not quantity.constraint_only]

    @classmethod
    def file_keys(cls) -> list[str]:
        """Return all keys that a term may have in a file."""
        return [*(key for key in super().file_keys() if key != "desirability"), *DESIRABILITIES]

    @classmethod
    def _parsed(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        asked = [key for key in DESIRABILITIES if key in given]
        if len(asked) > 1:
            raise ValueError(f"expected one desirability, found {' and '.join(asked)}")
        parsed = super()._parsed({key: value for key, value in given.items() if key not in asked})
        for key in asked:
            # A model around it, so that messages have the key in their path.
            around = create_model(key, __base__=Section, **{key: (DESIRABILITIES[key], ...)})  # type: ignore[call-overload]
            parsed["desirability"] = getattr(_validated(around, {key: given[key]}), key)
        return parsed

    def _entries(self) -> dict[str, Any]:
        wanted = {key: self.desirability for key, kind in DESIRABILITIES.items() if type(self.desirability) is kind}
        return {**super()._entries(), "weight": self.weight, **wanted}


class Constraint(Measured):
    """What a molecule must satisfy to be a candidate at all."""

    min: FiniteFloat | None = None
    """Least value allowed."""
    max: FiniteFloat | None = None
    """Largest value allowed."""

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        bounded = self.min is not None or self.max is not None
        if self.quantity.required is not None:
            if bounded:
                raise ValueError(f"expected no min or max with {self.quantity.kind()}, which holds or does not")
        elif not bounded:
            raise ValueError(f"expected min, max or both for {self.title}, found neither")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"expected min up to max, found min {self.min:g} and max {self.max:g}")
        return self

    def holds(self, value: float) -> bool:
        """Say whether a value of the quantity is allowed."""
        if self.quantity.required is not None:
            return value == self.quantity.required
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)

    def violation(self, value: float) -> float:
        """Return by how much a value is not allowed: 0 if it is, and up to 1 the further it is from its bound."""
        if self.holds(value):
            return 0.0
        if self.quantity.required is not None or math.isnan(value):
            return 1.0
        bound = self.min if self.min is not None and value < self.min else self.max
        assert bound is not None, "a constraint without bounds is not violated"
        distance = abs(value - bound)
        return distance / (distance + (abs(bound) or 1.0))

    def text(self) -> str:
        """Return the constraint as a phrase for the report."""
        what = self.quantity.label() if self.name is None else f"{self.name} ({self.quantity.text()})"
        bounds = [("at least", self.min), ("at most", self.max)]
        return f"{what} {' and '.join(f'{words} {bound:g}' for words, bound in bounds if bound is not None)}".strip()

    def _entries(self) -> dict[str, Any]:
        return {**super()._entries(), "min": self.min, "max": self.max}


def _refuse_elsewhere(given: Iterable[str], kinds: list[str]) -> None:
    """Refuse quantities that another part may have, but not this one."""
    elsewhere = [key for key in given if key in QUANTITIES and key not in kinds]
    if elsewhere:
        _refuse("key", [((key,), "expected in constraints only, found in a term") for key in elsewhere])


def _refuse_unknown(given: Iterable[str], known: list[str]) -> None:
    """Refuse keys that are misspelt, all at once."""
    unknown = [str(key) for key in given if key not in known]
    if unknown:
        _refuse(
            "key", [((key,), f"expected a known setting, found an unknown one; {_hint(key, known)}") for key in unknown]
        )


def _hint(key: str, known: list[str]) -> str:
    close = get_close_matches(key, known, n=1, cutoff=0.7)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"


def _validated(model: type[BaseModel], content: Mapping[str, Any]) -> Any:
    """Return a model of some content; what is wrong is put in words here, where the model is known."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        # `explain` prefixes the path, which is prefixed again, in full, with that of the enclosing model.
        _refuse(
            model.__name__, [(detail["loc"], explain(model, detail).partition(": ")[2]) for detail in error.errors()]
        )


def _refuse(title: str, faults: list[tuple[tuple[int | str, ...], str]]) -> NoReturn:
    raise ValidationError.from_exception_data(
        title,
        [
            InitErrorDetails(type=PydanticCustomError("value_error", message), loc=where, input=None)
            for where, message in faults
        ],
    )
