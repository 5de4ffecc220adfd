import numpy as np
import pytest

from molvae.optimize.objective import Objective, load_objective
from molvae.optimize.training import TOP, training_summary

OBJECTIVE = """
name: costly_and_quick
mean: {mean}
terms:
  - property: logp
    window: {{low: 1, high: 2, width: 0.5}}
    weight: 3
  - property: qed
    maximise: {{low: 0.2, high: 0.8}}
  - property: sa_score
    minimise: {{low: 1, high: 4}}
constraints:
  - {{property: mol_weight, min: 80}}
"""


@pytest.fixture(params=["geometric", "arithmetic"])
def objective(request, tmp_path):
    file = tmp_path / "objective.yaml"
    file.write_text(OBJECTIVE.format(mean=request.param))
    return load_objective(str(file))


def test_the_best_scores_are_those_of_scoring_every_molecule(objective, smiles, monkeypatch):
    n_scored = 0
    evaluate_batch = Objective.evaluate_batch

    def counting(self, molecules, **options):
        nonlocal n_scored
        n_scored += len(molecules) if self is objective else 0
        return evaluate_batch(self, molecules, **options)

    every = [one.score if one.feasible else 0.0 for one in objective.evaluate_batch(smiles)]
    monkeypatch.setattr(Objective, "evaluate_batch", counting)
    monkeypatch.setattr("molvae.optimize.training._CHUNK", 20)
    summary = training_summary(smiles, objective, 1)
    assert max(TOP) <= n_scored < len(smiles)
    for n in TOP:
        assert summary[f"training_top{n}_mean"] == pytest.approx(np.sort(every)[::-1][:n].mean())
    assert summary["training_n_feasible"] == np.count_nonzero(every)
