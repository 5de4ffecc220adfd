"""What follows from a molecule's formula, as quantities."""

from collections.abc import Callable
from typing import Annotated, ClassVar

from pydantic import AfterValidator
from rdkit import Chem

from molvae.optimize.formula import element_counts, isomer_score, parse_formula
from molvae.optimize.quantities.base import QUANTITIES, MolQuantity


def _element(symbol: str) -> str:
    try:
        Chem.GetPeriodicTable().GetAtomicNumber(symbol)
    except RuntimeError:
        raise ValueError(f"expected the symbol of an element, found {symbol!r}") from None
    return symbol


def _formula(formula: str) -> str:
    parse_formula(formula)
    return formula


@QUANTITIES.register("atom_count")
class AtomCount(MolQuantity):
    """Element whose atoms are counted, e.g. F; hydrogens count as well."""

    example: ClassVar[str] = "atom_count: F"

    atom_count: Annotated[str, AfterValidator(_element)]
    """Symbol of the element."""

    def title(self) -> str:
        """Return a column's name such as n_F."""
        return f"n_{self.atom_count}"

    def text(self) -> str:
        """Return the element that is counted."""
        return f"number of {self.atom_count} atoms"

    def function(self) -> Callable[[Chem.Mol], float]:
        """Return the function that counts the atoms."""
        return lambda mol: element_counts(mol)[self.atom_count]


@QUANTITIES.register("isomer")
class Isomer(MolQuantity):
    """Molecular formula: 1 for its isomers, lower the more atoms are too many or missing (GuacaMol's isomer score)."""

    example: ClassVar[str] = "isomer: C7H8N2O2"

    isomer: Annotated[str, AfterValidator(_formula)]
    """The formula, e.g. C7H8N2O2."""

    def title(self) -> str:
        """Return the formula."""
        return self.isomer

    def text(self) -> str:
        """Return the formula with what it is for."""
        return f"isomer of {self.isomer}"

    def in_unit_interval(self) -> bool:
        """Say that it is."""
        return True

    def function(self) -> Callable[[Chem.Mol], float]:
        """Return the function that computes the isomer score."""
        return isomer_score(self.isomer)
