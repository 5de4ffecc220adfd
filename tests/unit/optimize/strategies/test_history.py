import math

import numpy as np
import pytest

from molvae.optimize.objective import Evaluation, load_objective
from molvae.optimize.strategies.base import SearchContext
from molvae.optimize.strategies.history import INFEASIBLE_WEIGHT, History, draw_ranks


@pytest.fixture
def history(model, smiles):
    return History(SearchContext(model, smiles[:3], [], 100, load_objective("qed"), 1, 1, model.device))


def test_the_molecules_to_begin_with_are_handed_out_once(history, smiles):
    assert history.start(2) == [(smiles[0], "start"), (smiles[1], "start")]
    assert history.start(2) == [(smiles[2], "start")]
    assert history.start(2) == []


def test_failures_count_as_nothing_and_infeasible_molecules_for_less(history):
    told = history.tell(
        [
            Evaluation("C", 0.8, True, "ok", {}, {}),
            Evaluation("CC", 0.8, False, "ok", {}, {}),
            Evaluation("CCC", math.nan, False, "failed", {}, {}),
            Evaluation("CCCC", math.nan, False, "unscored", {}, {}),
        ]
    )
    assert told == ["C", "CC", "CCC"]
    assert history.scores == {"C": 0.8, "CC": 0.8 * INFEASIBLE_WEIGHT, "CCC": 0.0}
    assert history.best(2) == ["C", "CC"]


def test_it_takes_new_proposals_and_fills_up_with_samples(history):
    history.tell([Evaluation("C", 0.8, True, "ok", {}, {})])
    filled = history.fill([("C", "a"), ("CC", "a"), ("CC", "b"), ("CCC", "b"), ("CCCC", "b")], 2)
    assert filled == [("CC", "a"), ("CCC", "b")]
    filled = history.fill([("CC", "a")], 5)
    assert filled[0] == ("CC", "a")
    assert {origin for _, origin in filled[1:]} == {"sample"}
    assert len(filled) <= 5


def test_better_ranks_are_drawn_more_often():
    ranks = draw_ranks(10, 10_000, 1.0, np.random.default_rng(0))
    counts = np.bincount(ranks, minlength=10)
    assert (np.diff(counts[:5]) < 0).all()
    assert counts[0] / counts[9] == pytest.approx(10.0, rel=0.3)
