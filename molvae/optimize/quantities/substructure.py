"""Substructures that are there, are not there, or are counted, as quantities."""

from collections.abc import Callable
from typing import Annotated, ClassVar

from pydantic import AfterValidator
from rdkit import Chem

from molvae.chem.core import read_core
from molvae.optimize.quantities.base import QUANTITIES, MolQuantity


def _smarts(pattern: str) -> str:
    # RDKit takes what follows a blank for a name, and would search for a part of what was meant.
    if len(pattern.split()) > 1:
        raise ValueError(f"expected a SMARTS pattern and nothing after it, found {pattern!r}")
    mol = Chem.MolFromSmarts(pattern)
    if mol is None or mol.GetNumAtoms() == 0:
        raise ValueError(f"expected a SMARTS pattern, found {pattern!r}")
    return pattern


Smarts = Annotated[str, AfterValidator(_smarts)]


@QUANTITIES.register("has")
class HasSubstructure(MolQuantity):
    """SMARTS that should match: 1 if it does, else 0."""

    required: ClassVar[float | None] = 1.0

    has: Smarts
    """The pattern."""

    def in_unit_interval(self) -> bool:
        """Say that it is."""
        return True

    def function(self) -> Callable[[Chem.Mol], float]:
        """Return the function that tells whether the pattern matches."""
        pattern = Chem.MolFromSmarts(self.has)
        return lambda mol: float(mol.HasSubstructMatch(pattern))


@QUANTITIES.register("lacks")
class LacksSubstructure(MolQuantity):
    """SMARTS that should not match: 1 if it does not, else 0."""

    required: ClassVar[float | None] = 1.0

    lacks: Smarts
    """The pattern."""

    def in_unit_interval(self) -> bool:
        """Say that it is."""
        return True

    def function(self) -> Callable[[Chem.Mol], float]:
        """Return the function that tells whether the pattern is missing."""
        pattern = Chem.MolFromSmarts(self.lacks)
        return lambda mol: float(not mol.HasSubstructMatch(pattern))


@QUANTITIES.register("count")
class SubstructureCount(MolQuantity):
    """SMARTS whose distinct matches are counted."""

    count: Smarts
    """The pattern."""

    def text(self) -> str:
        """Return the pattern that is counted."""
        return f"matches of {self.count}"

    def function(self) -> Callable[[Chem.Mol], float]:
        """Return the function that counts the matches."""
        pattern = Chem.MolFromSmarts(self.count)
        return lambda mol: len(mol.GetSubstructMatches(pattern))


def _core(text: str) -> str:
    return read_core(text).text


CoreText = Annotated[str, AfterValidator(_core)]
"""A SMARTS pattern, or the SMILES of a molecule with attachment points `[*:1]`."""


class HasCore(MolQuantity):
    """Whether a molecule holds a core, 1 if it does, else 0; only an objective's `core` asks for it."""

    required: ClassVar[float | None] = 1.0

    core: CoreText
    """The core."""

    def in_unit_interval(self) -> bool:
        """Say that it is."""
        return True

    def function(self) -> Callable[[Chem.Mol], float]:
        """Return the function that tells whether the core is there."""
        core = read_core(self.core)
        return lambda mol: float(core.is_in(mol))
