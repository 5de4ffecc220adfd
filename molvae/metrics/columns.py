"""Select and concatenate the rows of dataclasses whose fields are columns.

A column is an array with a row for each item, a list, a dictionary of columns, or such a dataclass itself.
"""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def take(columns: T, rows: NDArray[np.int64]) -> T:
    """Return some rows of columns, in the order of `rows`, int64 (N,)."""
    result: Any
    if isinstance(columns, list):
        result = [columns[row] for row in rows]
    elif isinstance(columns, dict):
        result = {name: take(column, rows) for name, column in columns.items()}
    elif is_dataclass(columns) and not isinstance(columns, type):
        result = type(columns)(**{field.name: take(getattr(columns, field.name), rows) for field in fields(columns)})
    else:
        result = np.asarray(columns)[rows]
    return result  # type: ignore[no-any-return]


def concatenate(parts: Sequence[T]) -> T:
    """Return the rows of one or more parts, one part after the other."""
    first: Any = parts[0]
    result: Any
    if isinstance(first, list):
        result = list(chain.from_iterable(parts))  # type: ignore[arg-type]
    elif isinstance(first, dict):
        result = {name: concatenate([part[name] for part in parts]) for name in first}  # type: ignore[index]
    elif is_dataclass(first) and not isinstance(first, type):
        names = [field.name for field in fields(first)]
        result = type(first)(**{name: concatenate([getattr(part, name) for part in parts]) for name in names})
    else:
        result = np.concatenate(parts)  # type: ignore[arg-type]
    return result  # type: ignore[no-any-return]
