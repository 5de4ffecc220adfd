from dataclasses import dataclass

import numpy as np

from molvae.metrics.columns import concatenate, take


@dataclass(frozen=True)
class Inner:
    names: list[str]


@dataclass(frozen=True)
class Outer:
    values: np.ndarray
    by_name: dict[str, np.ndarray]
    inner: Inner


def rows(*numbers):
    values = np.array(numbers, dtype=float)
    return Outer(values, {"double": 2 * values}, Inner([f"row {number}" for number in numbers]))


def as_lists(columns):
    return columns.values.tolist(), columns.by_name["double"].tolist(), columns.inner.names


def test_rows_of_every_kind_of_column_are_selected_in_the_order_asked_for():
    assert as_lists(take(rows(1, 2, 3), np.array([2, 0]))) == ([3, 1], [6, 2], ["row 3", "row 1"])


def test_parts_are_concatenated():
    assert as_lists(concatenate([rows(1), rows(), rows(2, 3)])) == as_lists(rows(1, 2, 3))
