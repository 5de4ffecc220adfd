"""A user's own Python function, as a quantity."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from molvae.optimize.quantities.base import QUANTITIES, BatchFunction, Measure, Quantity, per_batch
from molvae.optimize.user_modules import check_function, imported_files, load_function
from molvae.section import Positive


def _reference(text: str) -> str:
    if not re.fullmatch(r"[\w.]+:\w+", text):
        raise ValueError(f"expected module:function, found {text!r}")
    return text


@QUANTITIES.register("python")
class PythonFunction(Quantity):
    """`module:function`, your own: takes a list of SMILES, returns as many numbers."""

    example: ClassVar[str] = "python: 'assays:predicted_pic50'"

    isolated: ClassVar[bool] = True
    costly: ClassVar[bool] = True
    external: ClassVar[bool] = True

    python: Annotated[str, AfterValidator(_reference)]
    """The function; its module lies in the folder of the objective file, or is installed."""

    timeout_s: Annotated[Positive, Field(allow_inf_nan=False)] | None = None
    """Seconds for each molecule that it may take, with what it loads; without it there is no limit."""

    @property
    def limit_s(self) -> float | None:
        """Seconds that it may take for a molecule; None without a limit."""
        return self.timeout_s

    def title(self) -> str:
        """Return a column's name such as module.function."""
        return self.python.replace(":", ".")

    def text(self) -> str:
        """Return the function's name."""
        return f"Python function {self.python}"

    def in_unit_interval(self) -> bool:
        """Say that it may be; its values are checked."""
        return True

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Return the file of the module, if it lies in the folder, and of all that it imports from there."""
        file = check_function(self.python, folder)
        return () if file is None else imported_files(file, folder)

    def measure(self, folder: Path) -> Measure:
        """Load the function."""
        return per_batch(python_function(self.python, folder))


def python_function(reference: str, folder: Path) -> BatchFunction:
    """Load the function `module:function` and check that it returns as many numbers as molecules.

    Raises:
        ObjectiveError: If there is no such module or function.
    """
    function = load_function(reference, folder)

    def score(smiles: Sequence[str]) -> list[float]:
        values = function(list(smiles))
        if len(values) != len(smiles):
            raise ValueError(f"expected {len(smiles)} numbers for {len(smiles)} molecules, found {len(values)}")
        return values

    return score
