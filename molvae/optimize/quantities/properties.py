"""A property that molvae computes itself, as a quantity."""

from collections.abc import Callable
from typing import Annotated, ClassVar

from pydantic import AfterValidator
from rdkit import Chem

from molvae.chem.descriptors import PROPERTIES
from molvae.errors import ConfigError
from molvae.optimize.quantities.base import QUANTITIES, MolQuantity


def _known(name: str) -> str:
    try:
        PROPERTIES[name]
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return name


@QUANTITIES.register("property")
class PropertyValue(MolQuantity):
    """A built-in property: logp, tpsa, qed, sa_score, mol_weight, ..."""

    example: ClassVar[str] = "property: logp"

    property: Annotated[str, AfterValidator(_known)]
    """Name of the property."""

    def is_costly(self) -> bool:
        """Say whether the property is one of those that take longest."""
        return PROPERTIES[self.property].is_costly

    def title(self) -> str:
        """Return the property's name."""
        return self.property

    def text(self) -> str:
        """Return the property's title with its unit."""
        return PROPERTIES[self.property].title_with_unit

    def label(self) -> str:
        """Return the property's title."""
        return PROPERTIES[self.property].title

    def in_unit_interval(self) -> bool:
        """Say whether the property is one from 0 to 1."""
        return PROPERTIES[self.property].in_unit_interval

    def function(self) -> Callable[[Chem.Mol], float]:
        """Return the function that computes the property."""
        return PROPERTIES[self.property].compute
