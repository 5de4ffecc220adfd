"""A kind of quantity as one adds it: in a file."""

from collections.abc import Callable
from typing import Annotated

from pydantic import Field
from rdkit import Chem

from molvae.optimize.quantities.base import QUANTITIES, MolQuantity


@QUANTITIES.register("toy_size")
class ToySize(MolQuantity):
    """Heavy atoms, and how many are too many."""

    toy_size: Annotated[int, Field(ge=1)]
    """How many are too many."""

    def text(self) -> str:
        """Return the words for the report."""
        return f"toy size, not {self.toy_size}"

    def function(self) -> Callable[[Chem.Mol], float]:
        """Return the function that counts."""
        return lambda mol: mol.GetNumHeavyAtoms()
