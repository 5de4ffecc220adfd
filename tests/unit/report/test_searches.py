import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.report.searches import best_so_far, by_origin, new_top_mean

CALL = st.tuples(st.one_of(st.just(math.nan), st.floats(0, 1)), st.booleans(), st.booleans())


def trace_of(calls: list[tuple[float, bool, bool]]) -> pd.DataFrame:
    return pd.DataFrame(calls, columns=["score", "feasible", "in_training"])


@given(st.lists(CALL, max_size=40), st.integers(1, 12))
def test_the_running_mean_is_that_of_the_best_feasible_scores_so_far(calls, top):
    running = best_so_far(trace_of(calls), top)
    for i in range(len(calls)):
        scores = [score for score, feasible, _ in calls[: i + 1] if feasible and not math.isnan(score)]
        if len(scores) < top:
            assert math.isnan(running[i])
        else:
            assert running[i] == pytest.approx(np.mean(sorted(scores)[-top:]))


@given(st.lists(CALL, min_size=1, max_size=40))
def test_the_running_mean_never_falls(calls):
    assert (best_so_far(trace_of(calls), 3).dropna().diff().dropna() >= -1e-12).all()


def test_new_molecules_count_alone_and_fewer_than_asked_are_all_taken():
    trace = trace_of([(0.9, True, True), (0.6, True, False), (0.8, False, False), (0.4, True, False)])
    assert new_top_mean(trace, 10) == pytest.approx(0.5)
    assert new_top_mean(trace, 1) == pytest.approx(0.6)
    assert math.isnan(new_top_mean(trace.head(1), 10))


def test_each_origin_has_its_title_calls_best_and_mean_score_and_number_among_the_best():
    trace = pd.DataFrame(
        {
            "origin": ["start", "start", "perturb"],
            "score": [0.2, math.nan, 0.8],
            "feasible": [True, False, True],
        }
    )
    table = by_origin(trace)
    assert table["origin"].tolist() == ["start", "perturbed"]
    assert table["calls"].tolist() == [2, 1]
    assert table["best"].tolist() == [0.2, 0.8]
    assert table["among_best"].tolist() == [1, 1]
