from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from molvae.optimize.pareto import (
    draw_direction,
    front_order,
    front_ranks,
    hypervolume,
    hypervolume_course,
    is_non_dominated,
    knee,
    scalarise,
)

STAIRS = np.array([[0.2, 0.8], [0.5, 0.5], [0.8, 0.2], [0.4, 0.4], [0.5, 0.2], [0.1, 0.1]])
# On a coarse grid, where equal values are frequent.
POINTS = st.tuples(st.integers(0, 12), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(0, 5).map(lambda value: value / 5))
)


def volume_by_cells(values):
    """Count the cells of a grid of fifths that some point dominates."""
    n_goals = values.shape[1]
    cells = np.stack(np.meshgrid(*[np.arange(1, 6) / 5] * n_goals), axis=-1).reshape(-1, n_goals)
    dominated = (values[:, None] >= cells[None] - 1e-9).all(axis=2).any(axis=0)
    return dominated.sum() / 5**n_goals


def test_fronts_of_a_staircase():
    assert is_non_dominated(STAIRS).tolist() == [True, True, True, False, False, False]
    assert front_ranks(STAIRS).tolist() == [1, 1, 1, 2, 2, 3]
    assert front_ranks(STAIRS, 4).tolist() == [1, 1, 1, 2, 2, 0]
    assert front_order(STAIRS, STAIRS.prod(axis=1), 5).tolist() == [1, 0, 2, 3, 4]


@given(POINTS)
def test_a_point_is_on_the_front_if_no_other_one_dominates_it(values):
    dominated = [any((o >= v).all() and (o > v).any() for o in values) for v in values]
    assert is_non_dominated(values).tolist() == [not one for one in dominated]


@given(POINTS)
def test_the_hypervolume_is_that_of_the_dominated_cells(values):
    expected = volume_by_cells(values)
    assert hypervolume(values) == pytest.approx(expected)
    assert hypervolume(values[::-1]) == pytest.approx(expected)


@given(POINTS)
def test_the_course_is_the_hypervolume_of_the_points_so_far(values):
    course = hypervolume_course(values, 0.2)
    assert course == pytest.approx([hypervolume(values[: n + 1], 0.2) for n in range(len(values))])


def test_a_reference_point_cuts_off_what_does_not_exceed_it():
    assert hypervolume(STAIRS) == pytest.approx(0.2 * 0.8 + 0.3 * 0.5 + 0.3 * 0.2)
    assert hypervolume(STAIRS, [0.5, 0.0]) == pytest.approx(0.3 * 0.2)
    assert hypervolume(STAIRS, [0.9, 0.9]) == 0.0


def test_molecules_without_values_leave_the_course_as_it_is():
    values = np.array([[np.nan, 0.5], [0.5, 0.5], [np.nan, np.nan]])
    assert hypervolume_course(values).tolist() == [0.0, 0.25, 0.25]


def test_the_knee_is_the_point_nearest_to_the_best_of_both_goals():
    front = np.array([[0.0, 1.0], [0.3, 0.9], [0.7, 0.8], [0.9, 0.3], [1.0, 0.0]])
    assert knee(front) == 2
    # The scale of a goal does not matter.
    assert knee(front * [1.0, 0.01] + [0.0, 5.0]) == 2
    assert knee(front[:1]) == 0


def test_the_knee_of_a_front_that_is_bent_inwards_is_no_end_of_it():
    assert knee(np.array([[0.0, 1.0], [0.3, 0.4], [0.45, 0.4], [1.0, 0.0]])) == 2


def test_the_mean_reach_in_random_directions_is_the_hypervolume():
    rng = Random(1)
    directions = [draw_direction(2, rng) for _ in range(4000)]
    reach = [(STAIRS / direction).min(axis=1).max() for direction in directions]
    # The area of a region in polar coordinates.
    assert np.pi / 4 * np.mean(np.square(reach)) == pytest.approx(hypervolume(STAIRS), rel=0.02)


def test_a_direction_prefers_the_goal_that_it_points_to_and_tells_equal_reaches_apart():
    towards_first = np.array([0.99, 0.14])
    assert scalarise(STAIRS, np.zeros(2), towards_first).argmax() == 2
    equal = scalarise(np.array([[0.5, 0.5], [0.5, 0.9]]), np.zeros(2), np.full(2, 0.5**0.5))
    assert equal[1] > equal[0]
