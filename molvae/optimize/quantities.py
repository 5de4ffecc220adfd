"""From the quantities that an objective names to their values for molecules."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdkit import Chem

from molvae.chem.alerts import structural_alerts
from molvae.chem.descriptors import PROPERTIES
from molvae.chem.molecules import parse
from molvae.optimize.formula import element_counts, isomer_score
from molvae.optimize.similarity import similarity_to
from molvae.optimize.spec import Quantity
from molvae.optimize.user_terms import BatchFunction, command_function, python_function


@dataclass(frozen=True)
class Molecule:
    """A molecule both ways.

    Attributes:
        smiles: As it was given.
        mol: RDKit's.
    """

    smiles: str
    mol: Chem.Mol


@dataclass(frozen=True)
class Failure:
    """Why a quantity has no value for a molecule.

    Attributes:
        reason: One line.
    """

    reason: str


Measure = Callable[[Sequence[Molecule]], list[float | Failure]]
"""From N molecules to N finite values or failures, in order; never raises for a molecule."""


def measure_for(quantity: Quantity, folder: Path) -> Measure:
    """Return the function that computes a quantity.

    Args:
        quantity: What to compute.
        folder: Where a user's module, or a relative path in a command, is looked for.

    Raises:
        ObjectiveError: If a user's function or program is not there.
    """
    match quantity.kind:
        case "python":
            return _batchwise(python_function(quantity.argument, folder))
        case "command":
            return _batchwise(command_function(quantity.argument, folder, quantity.timeout_s))
        case "alerts":
            # In batches, because the screen that rules out most patterns is made for a batch.
            return lambda molecules: [
                float(len(names)) for names in structural_alerts([each.mol for each in molecules], quantity.argument)
            ]
        case _:
            return _one_by_one(_function_of_mol(quantity.kind, quantity.argument))


def _function_of_mol(kind: str, argument: Any) -> Callable[[Chem.Mol], float]:
    match kind:
        case "property":
            return PROPERTIES[argument].compute
        case "similarity":
            reference = parse(argument.to)
            assert reference is not None, "checked with the spec"
            return similarity_to(reference, argument.fingerprint)
        case "has" | "lacks":
            pattern, wanted = Chem.MolFromSmarts(argument), kind == "has"
            return lambda mol: float(mol.HasSubstructMatch(pattern) is wanted)
        case "count":
            pattern = Chem.MolFromSmarts(argument)
            return lambda mol: len(mol.GetSubstructMatches(pattern))
        case "atom_count":
            return lambda mol: element_counts(mol)[argument]
        case "isomer":
            return isomer_score(argument)
    raise AssertionError(f"no such quantity: {kind}")


def _checked(value: float) -> float | Failure:
    number = float(value)
    return number if math.isfinite(number) else Failure("no finite value")


def _one_by_one(function: Callable[[Chem.Mol], float]) -> Measure:
    def attempt(mol: Chem.Mol) -> float | Failure:
        try:
            return _checked(function(mol))
        except (ArithmeticError, ValueError, RuntimeError) as error:
            return Failure(_one_line(error))

    return lambda molecules: [attempt(molecule.mol) for molecule in molecules]


def _batchwise(function: BatchFunction) -> Measure:
    """Wrap a user's function; when it fails on several molecules it is tried on each, so that only the guilty fail."""

    def attempt(molecules: Sequence[Molecule]) -> list[float | Failure]:
        if not molecules:
            return []
        try:
            return [_checked(value) for value in function([molecule.smiles for molecule in molecules])]
        except Exception as error:  # noqa: BLE001 - it is the user's code, and a molecule that it fails on is data
            if len(molecules) == 1:
                return [Failure(_one_line(error))]
        return [attempt([molecule])[0] for molecule in molecules]

    return attempt


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
