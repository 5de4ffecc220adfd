"""A value learned from a measured column, as a quantity, and whether a molecule is in its domain, as a constraint."""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import model_validator

from molvae.errors import ObjectiveError
from molvae.optimize.quantities.base import QUANTITIES, Failure, Measure, Molecule, Quantity, finite
from molvae.section import Section

if TYPE_CHECKING:
    from molvae.learned import LearnedModel, Prediction

COVERAGE = 0.8
"""Coverage of the intervals whose ends an optimistic or pessimistic search uses."""


class LearnedSource(Section):
    """What a value is learned from: a table and a column of it, or the folder of a model that was kept."""

    table: str | None = None
    """Table of measured molecules, looked for in the folder of the objective file."""
    column: str | None = None
    """Column with the measured values."""
    smiles_column: str | None = None
    """Column with the SMILES; found by its usual names by default."""
    model: str | None = None
    """Folder that `molvae learn` wrote, looked for in the folder of the objective file."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.table is None) == (self.model is None):
            raise ValueError("expected a table with its column, or a model, found neither or both")
        if (self.table is None) != (self.column is None):
            raise ValueError("expected table and column together, found one without the other")
        return self

    @property
    def name(self) -> str:
        """The column or the model, as a table may call it."""
        return re.sub(r"[^A-Za-z0-9_.-]+", "_", self.column or Path(str(self.model)).name).strip("_.-") or "learned"

    def text(self) -> str:
        """Return what is learned from what, in a few words; of the table, the name without its folder."""
        return (
            f"model {self.model}"
            if self.column is None
            else f"{self.column}, learned from {Path(str(self.table)).name}"
        )

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Return the files that the values depend on.

        Raises:
            ObjectiveError: If they are not there.
            MolvaeError: If the table has no such column, or nothing can be learned from it.
        """
        # Here, because most objectives need nothing of it.
        from molvae.learned.cache import measurements_of
        from molvae.learned.folder import RECORD, TABLE, TENSORS

        if self.table is None or self.column is None:
            files = tuple(folder / str(self.model) / name for name in (RECORD, TENSORS, TABLE))
        else:
            files = (folder / self.table,)
        for file in files:
            if not file.is_file():
                raise ObjectiveError(
                    f"learned: expected a file at {file}, found none; correct the path, which begins at the objective "
                    "file's folder"
                )
        if self.column is not None:
            measurements_of(files[0], self.column, self.smiles_column)
        return files

    def load(self, folder: Path) -> "LearnedModel":
        """Return the learned model; one of a table is fitted unless the cache has it."""
        from molvae.learned.cache import learned_from

        if self.table is None or self.column is None:
            return _loaded(folder / str(self.model))
        return learned_from(folder / self.table, self.column, self.smiles_column)


@lru_cache(maxsize=8)
def _loaded(folder: Path) -> "LearnedModel":
    from molvae.learned import load

    return load(folder)


@lru_cache(maxsize=4)
def _predicted(learned: "LearnedModel", smiles: tuple[str, ...]) -> "Prediction":
    """Predict N molecules; what several parts of an objective ask for is computed once."""
    return learned.predict(smiles, COVERAGE)


class LearnedValue(LearnedSource):
    """What is learned, and which value of a prediction counts."""

    value: Literal["mean", "low", "high", "optimistic", "pessimistic"] = "mean"
    """The predicted value, or an end of its 80 % interval: the better or the worse one by the desirability, or one by
    its name."""
    within_domain: bool = False
    """Whether only molecules in the applicability domain are feasible."""

    @property
    def source(self) -> LearnedSource:
        """What it is learned from."""
        return LearnedSource.model_validate(self.model_dump(include=set(LearnedSource.model_fields)))


@QUANTITIES.register("learned")
class Learned(Quantity):
    """A value learned from a column of measured values: {table, column}, or {model} of `molvae learn`."""

    costly: ClassVar[bool] = True
    example: ClassVar[str] = "learned: {table: measured.csv, column: pIC50}"

    learned: LearnedValue
    """What it is learned from, and which value of a prediction counts."""

    def title(self) -> str:
        """Return the column's name."""
        return self.learned.name

    def text(self) -> str:
        """Return what is learned from what."""
        value = "" if self.learned.value == "mean" else f", {self.learned.value} end of the {COVERAGE:.0%} interval"
        return f"{self.learned.text()}{value}"

    def aimed(self, rises: bool | None) -> "Learned":
        """Return the quantity with the end of the interval that is the better or the worse one.

        Args:
            rises: Whether higher values are more desirable; None if neither higher nor lower ones are.

        Raises:
            ValueError: If there is no such end.
        """
        if self.learned.value not in ("optimistic", "pessimistic"):
            return self
        if rises is None:
            raise ValueError(
                f"learned.value: expected mean, low or high where neither high nor low values are wanted as such, "
                f"found {self.learned.value}"
            )
        end = "high" if rises == (self.learned.value == "optimistic") else "low"
        return Learned(learned=self.learned.model_copy(update={"value": end}))

    def implied_constraint(self) -> Quantity | None:
        """Return the constraint that the molecule is in the domain, if it must be."""
        return InDomain(in_domain=self.learned.source) if self.learned.within_domain else None

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Return the table, or the files of the model."""
        return self.learned.source.files(folder)

    def measure(self, folder: Path) -> Measure:
        """Return the function that predicts N molecules."""
        learned, name = self.learned.source.load(folder), self.learned.value

        def predict(molecules: Sequence[Molecule]) -> list[float | Failure]:
            prediction = _predicted(learned, tuple(molecule.smiles for molecule in molecules))
            # Rounded, so that a value does not depend on which molecules are predicted with it.
            return [finite(float(f"{value:.9g}")) for value in getattr(prediction, name)]

        return predict


@QUANTITIES.register("in_domain")
class InDomain(Quantity):
    """{table, column} or {model} as of `learned`: near enough to what was measured to believe a prediction."""

    constraint_only: ClassVar[bool] = True
    costly: ClassVar[bool] = True
    required: ClassVar[float | None] = 1.0
    example: ClassVar[str] = "in_domain: {table: measured.csv, column: pIC50}"

    in_domain: LearnedSource
    """What is learned from what."""

    def title(self) -> str:
        """Return a column's name such as in_domain_pIC50."""
        return f"in_domain_{self.in_domain.name}"

    def text(self) -> str:
        """Return of what it is the domain."""
        return f"in the applicability domain of {self.in_domain.text()}"

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Return the table, or the files of the model."""
        return self.in_domain.files(folder)

    def measure(self, folder: Path) -> Measure:
        """Return the function that compares N molecules with the measured ones."""
        learned = self.in_domain.load(folder)

        def compare(molecules: Sequence[Molecule]) -> list[float | Failure]:
            prediction = _predicted(learned, tuple(molecule.smiles for molecule in molecules))
            return [float(inside) for inside in prediction.in_domain]

        return compare
