"""The benchmark of searches for a front that is known."""

from pathlib import Path
from random import Random

import numpy as np
import pytest

from molvae.chem.count_features import features_of_smiles
from molvae.optimize.pareto import hypervolume

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import pareto

    for name, value in {"N_CALLS": 60, "N_START": 20, "BATCH": 10}.items():
        monkeypatch.setattr(pareto, name, value)
    return pareto


def test_a_search_calls_each_molecule_once_and_finds_more_than_it_starts_with(bench, smiles):
    values = bench.enumerate_front(bench.TASKS["logp and tpsa"], smiles)
    rows = list(bench.search(values, features_of_smiles(smiles), 1, scalar=False))
    assert len(set(rows)) == 60
    assert hypervolume(values[rows]) > hypervolume(values[rows[:20]]) + 0.02
    assert hypervolume(values[rows]) > 0.95 * hypervolume(values)


def test_the_largest_improvement_is_chosen_and_counts_for_the_next_choice(bench, monkeypatch):
    monkeypatch.setattr(bench, "BATCH", 2)
    called = np.array([[0.9, 0.1], [0.1, 0.9]])
    mean = np.array([[0.9, 0.1], [0.1, 0.9], [0.6, 0.6], [0.59, 0.59], [0.85, 0.3]])
    chosen = bench.choose(mean, np.zeros_like(mean), called, [0, 1], Random(1))
    # The third molecule leaves the fourth nothing to improve.
    assert chosen == [2, 4]
