"""What every quantity of an objective offers: the key that names it, its values for molecules, and its words."""

import math
import multiprocessing
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from rdkit import Chem

from molvae.registry import Registry
from molvae.section import Section


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


class Quantity(Section, ABC):
    """A number that is computed of a molecule.

    A subclass is one kind of quantity. Its first field is the key that names the kind in an objective file, with what
    the kind needs to know; further fields are keys beside it. Two equal quantities have the same values.
    """

    example: ClassVar[str] = ""
    """How a term or constraint asks for it, as YAML on one line."""
    constraint_only: ClassVar[bool] = False
    """Whether it may be used in constraints only."""
    isolated: ClassVar[bool] = False
    """Whether its code may end the process that runs it, so that it is computed in worker processes."""
    costly: ClassVar[bool] = False
    """Whether it takes much longer than logP or a substructure search, so that it is computed after the others where
    some molecules need not be scored; see `is_costly`."""
    external: ClassVar[bool] = False
    """Whether a user's own function or program computes it, whose calls may cost anything: none is made outside the
    budget that was not asked for."""
    required: ClassVar[float | None] = None
    """For a quantity that a molecule either satisfies or not: the value with which it does. Such a constraint has no
    bounds; all others need some."""

    @property
    def limit_s(self) -> float | None:
        """Seconds that it may take for a molecule; None without a limit."""
        return None

    @classmethod
    def kind(cls) -> str:
        """Return the key that names this kind of quantity in an objective file."""
        return next(iter(cls.model_fields))

    @classmethod
    def summary(cls) -> str:
        """Return one line for lists of the quantities there are."""
        return " ".join((cls.__doc__ or "").partition("\n\n")[0].split())

    @property
    def argument(self) -> Any:
        """The value of the key."""
        return getattr(self, self.kind())

    def is_costly(self) -> bool:
        """Say whether it is costly with this argument."""
        return self.costly

    def title(self) -> str:
        """Return what tables call it unless a name is given."""
        return self.kind()

    def text(self) -> str:
        """Return what is computed, in a few words for the report."""
        return f"{self.kind().replace('_', ' ')} {self.argument}"

    def label(self) -> str:
        """Return what a sentence calls it where no name is given."""
        return self.text()

    def in_unit_interval(self) -> bool:
        """Say whether its values lie in [0, 1], so that a term may do without a desirability."""
        return False

    def aimed(self, rises: bool | None) -> "Quantity":  # noqa: ARG002 - for subclasses
        """Return the quantity for a term that wants high values (True), low ones (False), or neither as such (None).

        Raises:
            ValueError: If it cannot serve such a term.
        """
        return self

    def implied_constraint(self) -> "Quantity | None":
        """Return what a molecule must satisfy for a term with this quantity, where that was asked for."""
        return None

    def with_model(self, model: Path) -> "Quantity":  # noqa: ARG002 - for subclasses
        """Return the quantity for a search with a trained model, whose folder is given."""
        return self

    def files(self, folder: Path) -> tuple[Path, ...]:  # noqa: ARG002 - for subclasses
        """Return the user's own files that the values depend on; nothing of them is run.

        Args:
            folder: Where the objective file is.

        Raises:
            ObjectiveError: If something that it needs is not there.
        """
        return ()

    @abstractmethod
    def measure(self, folder: Path) -> Measure:
        """Return the function that computes the quantity of N molecules.

        Args:
            folder: Where a user's module, or a relative path in a command, is looked for.

        Raises:
            ObjectiveError: If a user's function or program is not there.
        """


class MolQuantity(Quantity):
    """A quantity that is computed of one RDKit molecule at a time."""

    @abstractmethod
    def function(self) -> Callable[[Chem.Mol], float]:
        """Return the function that computes the quantity of a molecule."""

    def measure(self, folder: Path) -> Measure:  # noqa: ARG002 - nothing of the user's is needed
        """Return the function that computes the quantity of N molecules."""
        return per_molecule(self.function())


QUANTITIES: Registry[type[Quantity]] = Registry("quantity")

Part = TypeVar("Part")
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def not_empty(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return a tuple that has something in it; a validator.

    Raises:
        ValueError: If it is empty.
    """
    # Not pydantic's min_length: it also complains where a part is there but wrong.
    if not parts:
        raise ValueError("expected at least one, found none")
    return parts


def one_line(error: BaseException) -> str:
    """Return an error's type and message on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def finite(value: float | Failure) -> float | Failure:
    """Return a finite float, or a failure for what is none."""
    if isinstance(value, Failure):
        return value
    number = float(value)
    return number if math.isfinite(number) else Failure(f"expected a finite number, found {number}")


def per_molecule(function: Callable[[Chem.Mol], float]) -> Measure:
    """Return the measure that applies a function of one RDKit molecule."""

    def attempt(mol: Chem.Mol) -> float | Failure:
        try:
            return finite(function(mol))
        except (ArithmeticError, ValueError, RuntimeError) as error:
            return Failure(one_line(error))

    return lambda molecules: [attempt(molecule.mol) for molecule in molecules]


def try_each(items: Sequence[Item], attempt: Callable[[Item], Outcome | Failure]) -> list[Outcome | Failure]:
    """Try items one by one after they have failed together.

    If the first, a middle and the last one fail in the same way, what is tried cannot work at all, and the others are
    taken to fail as well.
    """
    probes = {0, len(items) // 2, len(items) - 1}
    outcomes = {i: attempt(items[i]) for i in sorted(probes)}
    first = outcomes[0]
    if len(probes) == 3 and isinstance(first, Failure) and all(outcome == first for outcome in outcomes.values()):
        return [first] * len(items)
    return [outcomes[i] if i in outcomes else attempt(item) for i, item in enumerate(items)]


BatchFunction = Callable[[Sequence[str]], Sequence[float | Failure]]
"""From N SMILES to N values or failures, in order; may raise anything."""


class PartialAnswerError(Exception):
    """A user's program did not end as it should.

    Attributes:
        values: What it had answered till then, to the first molecules: one at least, perhaps all.
    """

    def __init__(self, message: str, values: Sequence[float | Failure]) -> None:
        """Keep the answers."""
        super().__init__(message)
        self.values = values


def per_batch(function: BatchFunction) -> Measure:
    """Return the measure that applies a user's function to all molecules at once.

    If it raises for several molecules, it is tried on each, so that only the guilty ones fail; but if it fails on the
    first, a middle and the last one in the same way, it cannot work at all, and is not tried on the others.
    """

    def measure(molecules: Sequence[Molecule]) -> list[float | Failure]:
        values: list[float | Failure] = []
        while len(values) < len(molecules):
            values += attempt([molecule.smiles for molecule in molecules[len(values) :]])
        return values

    def attempt(smiles: Sequence[str]) -> list[float | Failure]:
        """Return the values of the first of some molecules, one at least, or of all."""
        try:
            return [finite(value) for value in function(smiles)]
        except PartialAnswerError as error:
            answered = [finite(value) for value in error.values]
            n = len(answered)
            return answered if n == len(smiles) else [*answered, *attempt(smiles[n : n + 1])]
        # It is the user's code: whatever it raises, and also its sys.exit(), is a molecule's failure.
        except BaseException as error:
            # A worker process is not interrupted, so the code itself raised this.
            if isinstance(error, KeyboardInterrupt) and multiprocessing.parent_process() is None:
                raise
            if len(smiles) == 1:
                return [Failure(one_line(error))]
        return try_each(smiles, lambda text: attempt([text])[0])

    return measure
