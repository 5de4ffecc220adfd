"""Desirabilities: how good a value is, from 0 (useless) to 1 (all one could wish).

References:
    Derringer and Suich, Simultaneous optimization of several response variables, Journal of Quality Technology 1980,
    doi:10.1080/00224065.1980.11980968.
    Brown et al., GuacaMol: benchmarking models for de novo molecular design, Journal of Chemical Information and
    Modeling 2019, doi:10.1021/acs.jcim.8b00839 (`gaussian`, `min_gaussian`, `max_gaussian`, `clip`).
"""

import math
from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Literal

from pydantic import Field, FiniteFloat, model_validator

from molvae.registry import Registry
from molvae.section import Section

Width = Annotated[FiniteFloat, Field(gt=0.0)]

# Beyond all values of interest.
_FAR = 1e300


class Desirability(Section, ABC):
    """From a finite value to its desirability in [0, 1]."""

    example: ClassVar[str] = ""
    """How a term asks for it, as YAML on one line."""

    @abstractmethod
    def __call__(self, value: float) -> float:
        """Return the desirability of `value`."""

    @abstractmethod
    def text(self) -> str:
        """Return which values are wanted, in a few words for the report."""

    def rises(self) -> bool | None:
        """Say whether high values are wanted (True) or low ones (False); None where it is neither as such."""
        low, high = self(-_FAR), self(_FAR)
        return None if low == high else low < high

    @classmethod
    def summary(cls) -> str:
        """Return one line for lists of the desirabilities there are."""
        return " ".join((cls.__doc__ or "").partition("\n\n")[0].split())


DESIRABILITIES: Registry[type[Desirability]] = Registry("desirability")


def _bell(value: float, mean: float, sd: float) -> float:
    try:
        return math.exp(-0.5 * ((value - mean) / sd) ** 2)
    # So far off that the square is beyond what a float holds.
    except OverflowError:
        return 0.0


class _Span(Desirability):
    low: FiniteFloat
    """Lower end."""
    high: FiniteFloat
    """Upper end."""

    @model_validator(mode="after")
    def _ordered(self) -> "_Span":
        if self.low >= self.high:
            raise ValueError(f"expected low below high, found low {self.low:g} and high {self.high:g}")
        if math.isinf(self.high - self.low):
            raise ValueError(f"expected low and high nearer to each other, found {self.low:g} and {self.high:g}")
        return self


@DESIRABILITIES.register("maximise")
class Maximise(_Span):
    """The higher the better: 0 up to `low`, 1 from `high` on, a straight line between."""

    example: ClassVar[str] = "maximise: {low: 5, high: 8}"

    def __call__(self, value: float) -> float:
        """Return the desirability of `value`."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def text(self) -> str:
        """Return which values are wanted."""
        return f"high: 0 at {self.low:g}, 1 from {self.high:g}"


@DESIRABILITIES.register("minimise")
class Minimise(_Span):
    """The lower the better: 1 up to `low`, 0 from `high` on, a straight line between."""

    example: ClassVar[str] = "minimise: {low: 2, high: 5}"

    def __call__(self, value: float) -> float:
        """Return the desirability of `value`."""
        return min(max((self.high - value) / (self.high - self.low), 0.0), 1.0)

    def text(self) -> str:
        """Return which values are wanted."""
        return f"low: 1 up to {self.low:g}, 0 at {self.high:g}"


@DESIRABILITIES.register("window")
class Window(_Span):
    """1 from `low` to `high`; outside it falls as a Gaussian of standard deviation `width`."""

    example: ClassVar[str] = "window: {low: 1, high: 3, width: 0.5}"

    width: Width
    """How far outside is still acceptable: at one width the desirability is 0.61, at two 0.14."""

    def __call__(self, value: float) -> float:
        """Return the desirability of `value`."""
        return _bell(value, min(max(value, self.low), self.high), self.width)

    def text(self) -> str:
        """Return which values are wanted."""
        return f"{self.low:g} to {self.high:g}, soft edges of {self.width:g}"


@DESIRABILITIES.register("gaussian")
class Gaussian(Desirability):
    """1 at `mean`, falling to both sides."""

    example: ClassVar[str] = "gaussian: {mean: 2.5, sd: 1}"

    mean: FiniteFloat
    """The best value."""
    sd: Width
    """Standard deviation of the Gaussian."""

    def __call__(self, value: float) -> float:
        """Return the desirability of `value`."""
        return _bell(value, self.mean, self.sd)

    def text(self) -> str:
        """Return which values are wanted."""
        return f"around {self.mean:g}, soft edges of {self.sd:g}"


@DESIRABILITIES.register("min_gaussian")
class MinGaussian(Gaussian):
    """1 up to `mean`, falling above it: for what should stay low (GuacaMol's MinGaussian)."""

    example: ClassVar[str] = "min_gaussian: {mean: 4, sd: 1}"

    def __call__(self, value: float) -> float:
        """Return the desirability of `value`."""
        return _bell(max(value, self.mean), self.mean, self.sd)

    def text(self) -> str:
        """Return which values are wanted."""
        return f"up to {self.mean:g}, soft edge of {self.sd:g}"


@DESIRABILITIES.register("max_gaussian")
class MaxGaussian(Gaussian):
    """1 from `mean` on, falling below it: for what should be high (GuacaMol's MaxGaussian)."""

    example: ClassVar[str] = "max_gaussian: {mean: 100, sd: 10}"

    def __call__(self, value: float) -> float:
        """Return the desirability of `value`."""
        return _bell(min(value, self.mean), self.mean, self.sd)

    def text(self) -> str:
        """Return which values are wanted."""
        return f"from {self.mean:g}, soft edge of {self.sd:g}"


@DESIRABILITIES.register("clip")
class Clip(Desirability):
    """Proportional to the value, and 1 from `upper` on."""

    example: ClassVar[str] = "clip: {upper: 0.6}"

    upper: Width
    """From here on nothing more is gained."""

    def __call__(self, value: float) -> float:
        """Return the desirability of `value`."""
        return min(max(value / self.upper, 0.0), 1.0)

    def text(self) -> str:
        """Return which values are wanted."""
        return f"high: in proportion, 1 from {self.upper:g}"


@DESIRABILITIES.register("threshold")
class Threshold(Desirability):
    """1 on the right side of `at`, 0 on the other."""

    example: ClassVar[str] = "threshold: {at: 400, direction: below}"

    at: FiniteFloat
    """The threshold itself, which is on the right side."""
    direction: Literal["above", "below"]
    """The right side."""

    def __call__(self, value: float) -> float:
        """Return the desirability of `value`."""
        return float(value >= self.at if self.direction == "above" else value <= self.at)

    def text(self) -> str:
        """Return which values are wanted."""
        return f"{self.direction} {self.at:g}"


class Identity(Desirability):
    """The value itself, for a quantity that is a desirability already."""

    def __call__(self, value: float) -> float:
        """Return `value`.

        Raises:
            ValueError: If it is not in [0, 1].
        """
        if not 0.0 <= value <= 1.0:
            raise ValueError(
                f"expected a value from 0 to 1, found {value:g}; give the term a desirability such as maximise"
            )
        return value

    def text(self) -> str:
        """Return which values are wanted."""
        return "as computed (0 to 1)"

    def rises(self) -> bool | None:
        """Say that high values are wanted."""
        return True
