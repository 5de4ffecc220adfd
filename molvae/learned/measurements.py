"""Read a column of measured values from a table of molecules."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molvae.chem.measurements import DecimalCommas, DecimalMarks, Measurement, files_with_semicolons
from molvae.chem.quiet import quiet
from molvae.chem.reading import Columns, Record, read_records, with_structure
from molvae.chem.standardise import Standardised
from molvae.errors import DataError
from molvae.learned.forms import standard_forms
from molvae.learned.regressors import REGRESSORS
from molvae.log import logger
from molvae.parallel import chunks_of

MIN_MOLECULES = 10
"""Molecules with a value, below which nothing is learned: cross-validation would say nothing."""

# Beyond these, squares of values and of their differences are no numbers any more, or all 0.
_MAX_VALUE, _MIN_SPREAD = 1e100, 1e-100
_MAX_SHOWN = 60
_MAX_WARNINGS = 3


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is not used.

    Attributes:
        line: Its line in the file, from 1.
        input: The SMILES or the value that is not used, as it is written.
        reason: Why, in a few words.
    """

    line: int
    input: str
    reason: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound in the place of a value.

    Attributes:
        line: Its line in the file, from 1.
        smiles: Canonical SMILES of the molecule's standard form.
        text: The cell as it is written, such as `>10`.
    """

    line: int
    smiles: str
    text: str


@dataclass(frozen=True)
class Measurements:
    """The measured values of N molecules.

    Attributes:
        column: Name of the column.
        smiles: Canonical SMILES of their standard forms (`molvae.chem.standardise`), distinct, in the order of first
            appearance.
        values: Mean of the values of each molecule, float64 (N,).
        n_repeats: Number of values that it is the mean of, int64 (N,).
        n_censored: Cells with a bound, such as `>10`. A bound is no value: a molecule that has nothing else is left
            out.
        rejected: Rows whose value or molecule cannot be read; rows with a bound or without a value are not among them.
        bounds: The cells with a bound, as far as the table itself was read.
        without_value: The molecules that were measured but have no value, as far as the table itself was read: those
            with bounds alone, or with text that is no number, such as `inactive`.
    """

    column: str
    smiles: list[str]
    values: NDArray[np.float64]
    n_repeats: NDArray[np.int64]
    n_censored: int = 0
    rejected: tuple[Rejected, ...] = ()
    bounds: tuple[Bound, ...] = ()
    without_value: tuple[str, ...] = ()

    @property
    def tested(self) -> list[str]:
        """All molecules that were measured, with a value or without one."""
        return [*self.smiles, *self.without_value]

    @property
    def decimals(self) -> int:
        """Decimals that show a thousandth of the values' standard deviation, four at least."""
        spread = float(self.values.std()) if len(self) else 0.0
        return max(4, 3 - math.floor(math.log10(spread))) if spread > 0.0 else 4

    def __len__(self) -> int:
        """Return N."""
        return len(self.smiles)


def read_measurements(
    file: Path, column: str, smiles_column: str | None = None, *, may_be_few: bool = False
) -> Measurements:
    """Read the measured values of a column.

    The values of a molecule that occurs in several rows are averaged. Decimal commas are read where the file leaves no
    doubt that they are, as in `molvae prepare`; a cell that might be 1.234 or 1234 is rejected.

    Args:
        file: A table of molecules, of any format that `molvae.chem.reading` reads.
        column: The column with the values, or the data field of an `.sdf`.
        smiles_column: The column with the SMILES; found by its usual names by default.
        may_be_few: Whether fewer than `MIN_MOLECULES` will do, even none where there are bounds.

    Raises:
        DataError: If the file cannot be read, the column has no number, or the values are too few or all equal.
        ConfigError: If there is no such column; the message lists those that there are.
    """
    marks = DecimalMarks(1, files_with_semicolons([file], smiles_column))
    records = list(marks.seen(read_records(file, Columns(smiles_column, extra=(column,)))))
    reader = _Reader(marks.decimal_commas)
    with quiet():
        reader.read(records)
    measurements = reader.measurements(column)
    _check(measurements, file, len(records), may_be_few=may_be_few)
    _log(measurements, file)
    return measurements


class _Reader:
    """Collects values by molecule."""

    def __init__(self, decimal_commas: DecimalCommas) -> None:
        self._decimal_commas = decimal_commas
        self._tested: dict[str, None] = {}
        self._values: dict[str, list[float]] = {}
        self._bounds: list[Bound] = []
        self._rejected: list[Rejected] = []

    def read(self, records: Iterable[Record]) -> None:
        for chunk in chunks_of(self._measured(records)):
            forms = standard_forms([record.smiles for record, _ in chunk], REGRESSORS.values())
            for (record, cell), form in zip(chunk, forms, strict=True):
                self._add(record, cell, form)

    def _measured(self, records: Iterable[Record]) -> Iterator[tuple[Record, Measurement]]:
        for record in records:
            cell = self._decimal_commas.read(record.extra[0], record.source)
            if cell != Measurement():
                yield with_structure(record), cell

    def _add(self, record: Record, cell: Measurement, form: Standardised | str) -> None:
        if isinstance(form, Standardised):
            self._tested.setdefault(form.smiles)
        if cell.unreadable is not None:
            self._reject(record, cell.unreadable, "not a number")
        elif isinstance(form, str):
            self._reject(record, record.smiles, record.problem or form)
        elif cell.censored is not None:
            self._bounds.append(Bound(record.line, form.smiles, cell.censored))
        elif cell.value is not None:
            self._values.setdefault(form.smiles, []).append(cell.value)

    def _reject(self, record: Record, text: str, reason: str) -> None:
        self._rejected.append(Rejected(record.line, text[:_MAX_SHOWN], reason))

    def measurements(self, column: str) -> Measurements:
        return Measurements(
            column=column,
            smiles=list(self._values),
            values=np.array([np.mean(values) for values in self._values.values()], dtype=np.float64),
            n_repeats=np.array([len(values) for values in self._values.values()], dtype=np.int64),
            n_censored=len(self._bounds),
            rejected=tuple(self._rejected),
            bounds=tuple(self._bounds),
            without_value=tuple(smiles for smiles in self._tested if smiles not in self._values),
        )


def _check(measurements: Measurements, file: Path, n_rows: int, *, may_be_few: bool) -> None:
    """Refuse measurements from which nothing can be learned."""
    where, n = f"{file}, column {measurements.column!r}", len(measurements)
    if n == 0 and not (may_be_few and measurements.bounds):
        example = next(
            (f", such as {row.input!r} on line {row.line}: {row.reason}" for row in measurements.rejected), ""
        )
        counts = f"{measurements.n_censored} bounds, {len(measurements.rejected)} rows that cannot be read{example}"
        raise DataError(f"{where}: expected numbers for molecules, found none in {n_rows} rows ({counts})")
    largest = float(np.abs(measurements.values).max(initial=0.0))
    if largest > _MAX_VALUE:
        raise DataError(
            f"{where}: expected values of up to {_MAX_VALUE:g}, found one of {largest:g}; mend it, or take logarithms"
        )
    if n < MIN_MOLECULES:
        if may_be_few:
            return
        raise DataError(
            f"{where}: expected at least {MIN_MOLECULES} molecules with a value, found {n}; measure more before a "
            "model is learned"
        )
    spread = float(np.ptp(measurements.values))
    if 0.0 < spread < _MIN_SPREAD:
        raise DataError(
            f"{where}: expected values that differ by {_MIN_SPREAD:g} or more, found {spread:g}; give another unit"
        )
    if spread == 0.0:
        raise DataError(
            f"{where}: expected different values, found {measurements.values[0]:g} for all {n} molecules; there is "
            "nothing to learn"
        )


def _log(measurements: Measurements, file: Path) -> None:
    logger.info(
        "%s: %s of %d molecules (%d values), %d bounds not taken as values, %d rows rejected",
        *(file, measurements.column, len(measurements), measurements.n_repeats.sum()),
        *(measurements.n_censored, len(measurements.rejected)),
    )
    for row in measurements.rejected[:_MAX_WARNINGS]:
        logger.warning("%s: line %d is not used: %r, %s", file, row.line, row.input, row.reason)
