"""Numbers as people read them."""

import math


def count(n: float) -> str:
    """Return a count with a comma between the thousands."""
    return f"{n:,.0f}"


def percent(share: float | None) -> str:
    """Return a share as per cent with one decimal, with more where that would round a near miss to 0 or 100."""
    if share is None or math.isnan(share):
        return "–"
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    if 0.001 <= share < 0.9995:
        return f"{share:.1%}"
    return f"{share:.2%}" if 0.00005 <= share < 0.99995 else ("below 0.01%" if share < 0.5 else "above 99.99%")


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with a fixed count of decimals, whole numbers without; a dash for none."""
    if value is None or math.isnan(value):
        return "–"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.{digits}f}"


def plural(n: int, noun: str) -> str:
    """Return a count with its noun, which takes an s unless the count is one."""
    return f"{count(n)} {noun}" + ("" if n == 1 else "s")


def listed(items: list[str]) -> str:
    """Return items as a phrase: `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
