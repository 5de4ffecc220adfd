"""The benchmark of lead optimisation."""

from pathlib import Path

import pytest

from molvae.chem.molecules import parse
from molvae.optimize.similarity import similarity_to

LEAD = "CC(=O)Nc1ccc(OCC(O)CNC(C)C)cc1"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    import lead_qed

    return lead_qed


@pytest.mark.timeout(120)
def test_a_lead_is_solved_by_a_molecule_that_is_similar_to_it(benchmark, model):
    result = benchmark.improve(model, LEAD, seed=1, budget=300, settings=benchmark.SETTINGS)
    assert result.n_calls is not None
    assert result.qed >= benchmark.MIN_QED
    assert similarity_to(parse(LEAD), "ECFP4_bits")(parse(result.best)) >= benchmark.MIN_SIMILARITY


def test_the_table_counts_unsolved_leads(benchmark):
    results = [benchmark.Result(LEAD, 1, n, LEAD, 0.9, 1.0) for n in (50, 150, None, 90)]
    assert benchmark.table(results, 200).splitlines()[-1] == "| 1 | 50.0 % | 75.0 % | 120 | 1.0 |"
