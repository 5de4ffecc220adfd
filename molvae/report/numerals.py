"""Numbers as people read them."""

import math
from collections.abc import Iterable


def count(n: float) -> str:
    """Return a count with a comma between the thousands."""
    return f"{n:,.0f}"


def decimals_for(values: Iterable[float], least: int) -> int:
    """Return `least` decimals, or so many that the largest of small values has that many significant digits."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return max(least, least - 1 - math.floor(math.log10(largest))) if largest > 0.0 else least


def percent(fraction: float | None) -> str:
    """Return a fraction as `73.8 %`, with a second decimal where one would round a near miss to 0 or 100.

    The space before the sign is one at which no line breaks.
    """
    if fraction is None or math.isnan(fraction):
        return "–"
    if fraction < 0.00005 and fraction != 0.0:
        return "below 0.01\u00a0%"
    if 0.99995 <= fraction < 1.0:
        return "above 99.99\u00a0%"
    decimals = 0 if fraction in (0.0, 1.0) else 2 if fraction < 0.001 or 0.9995 <= fraction < 1.0 else 1
    return f"{100 * fraction:.{decimals}f}\u00a0%"


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with a fixed count of decimals, whole numbers without; a dash for none."""
    if value is None or math.isnan(value):
        return "–"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.{digits}f}"


def plural(n: int, noun: str) -> str:
    """Return a count with its noun, which takes an s unless the count is 1."""
    return f"{count(n)} {noun}" + ("" if n == 1 else "s")


def inflected(n: int, singular: str, plural: str) -> str:
    """Return the form of a verb or phrase that agrees with a count."""
    return singular if n == 1 else plural


def listed(items: list[str]) -> str:
    """Return items as a phrase: `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
