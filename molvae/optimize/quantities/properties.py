"""A property that molvae computes itself, as a quantity."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator
from rdkit import Chem

from molvae.chem.descriptors import PROPERTIES
from molvae.errors import ConfigError
from molvae.optimize.quantities.base import QUANTITIES, Quantity

# Properties that lie in [0, 1] by their definition.
_IN_UNIT_INTERVAL = frozenset({"qed", "fraction_csp3"})


def _known(name: str) -> str:
    try:
        PROPERTIES[name]
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return name


@QUANTITIES.register("property")
class PropertyValue(Quantity):
    """A built-in property: logp, tpsa, qed, sa_score, mol_weight, ..."""

    property: Annotated[str, AfterValidator(_known)]
    """Name of the property."""

    def title(self) -> str:
        """Return the property's name."""
        return self.property

    def text(self) -> str:
        """Return the property's title with its unit."""
        known = PROPERTIES[self.property]
        return known.title + (f", {known.unit}" if known.unit else "")

    def label(self) -> str:
        """Return the property's title."""
        return PROPERTIES[self.property].title

    def in_unit_interval(self) -> bool:
        """Say whether the property is one from 0 to 1."""
        return self.property in _IN_UNIT_INTERVAL

    def function(self) -> Callable[[Chem.Mol], float]:
        """Return the function that computes the property."""
        return PROPERTIES[self.property].compute
