"""Molecular formulas, and how close a molecule's is to a given one.

References:
    Brown et al., GuacaMol: benchmarking models for de novo molecular design, Journal of Chemical Information and
    Modeling 2019, doi:10.1021/acs.jcim.8b00839 (isomer scoring; the package's code is the reference).
"""

import math
import re
from collections import Counter
from collections.abc import Callable

from rdkit import Chem

_ELEMENT = re.compile(r"([A-Z][a-z]?)(\d*)")
# Standard deviations, in atoms, of an element's count and of the count of all atoms.
ELEMENT_SD = 1.0
TOTAL_SD = 2.0


def parse_formula(formula: str) -> dict[str, int]:
    """Return the number of atoms of each element of a formula such as C9H10N2O2PF2Cl.

    Raises:
        ValueError: If it is not such a formula, or names an element twice.
    """
    parts = _ELEMENT.findall(formula)
    counts = {element: int(number or 1) for element, number in parts}
    if not parts or "".join(element + number for element, number in parts) != formula or len(counts) != len(parts):
        raise ValueError(f"expected a molecular formula such as C9H10N2O2, found {formula!r}")
    table = Chem.GetPeriodicTable()
    for element in counts:
        try:
            table.GetAtomicNumber(element)
        except RuntimeError:
            raise ValueError(f"expected elements in the formula {formula}, found {element!r}") from None
    return counts


def element_counts(mol: Chem.Mol) -> Counter[str]:
    """Return the number of atoms of each element, hydrogens included."""
    return Counter(atom.GetSymbol() for atom in Chem.AddHs(mol).GetAtoms())


def isomer_score(formula: str) -> Callable[[Chem.Mol], float]:
    """Return the function that scores how close a molecule's formula is to `formula`: 1 for its isomers, above 0 else.

    It is the geometric mean of a Gaussian for the count of each element of the formula (standard deviation 1) and one
    for the count of all atoms (2).
    """
    wanted = parse_formula(formula)
    total = sum(wanted.values())

    def score(mol: Chem.Mol) -> float:
        counts = element_counts(mol)
        squares = [((counts[element] - number) / ELEMENT_SD) ** 2 for element, number in wanted.items()]
        squares.append(((counts.total() - total) / TOTAL_SD) ** 2)
        # The logarithm of a Gaussian is minus half its square, so the geometric mean is the exponential of their mean.
        return math.exp(-0.5 * sum(squares) / len(squares))

    return score
