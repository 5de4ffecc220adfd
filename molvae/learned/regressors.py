"""The models that compete for a measured column, each with an uncertainty of its own for every molecule.

A new one is a registered subclass of `Regressor`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.count_features import Features
from molvae.registry import Registry

if TYPE_CHECKING:
    from molvae.model.model import MolVAE

State = dict[str, NDArray[Any]]
Predicted = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Mean and deviation of N molecules, float64 (N,) each. A deviation is positive and in the unit of the values, but
need not be calibrated: conformal intervals only need larger ones for less certain predictions."""


@dataclass(frozen=True)
class TensorSpec:
    """What a stored array must look like.

    Attributes:
        dtype: Name of its NumPy type.
        ndim: Number of its axes.
        max_size: Most elements.
    """

    dtype: str
    ndim: int
    max_size: int


class Regressor(ABC):
    """A fitted model of a measured value."""

    needs_model: ClassVar[bool] = False
    """Whether the features are the codes of a MolVAE."""

    @classmethod
    @abstractmethod
    def describe(cls, mols: Sequence[Chem.Mol], smiles: Sequence[str], model: "MolVAE | None") -> Features:
        """Return the features of N molecules, given as RDKit's and as canonical SMILES."""

    @classmethod
    @abstractmethod
    def fit(cls, features: Features, values: NDArray[np.float64], seed: int, n_jobs: int) -> Self:
        """Fit to the values of N molecules, float64 (N,)."""

    @abstractmethod
    def predict(self, features: Features) -> Predicted:
        """Predict M molecules."""

    @abstractmethod
    def state(self) -> State:
        """Return what `from_state` needs besides the measurements."""

    @classmethod
    @abstractmethod
    def tensors(cls, n: int) -> Mapping[str, TensorSpec]:
        """Return what the state of a model of N measurements looks like."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: State, features: Features, values: NDArray[np.float64]) -> Self:
        """Return a fitted model as it was saved.

        Raises:
            ValueError: If the state is not one of this kind of model and these measurements.
        """


REGRESSORS: Registry[type[Regressor]] = Registry("learned model")


def require(condition: bool, expected: str) -> None:
    """Raise a ValueError for a stored state that is not as expected."""
    if not condition:
        raise ValueError(f"expected {expected}")
