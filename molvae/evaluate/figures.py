"""Figures with their denominator and definition, as the metrics files hold them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        value: The number.
        n: How many molecules it was measured on.
        definition: What it says, in a sentence.
    """

    value: float
    n: int
    definition: str
