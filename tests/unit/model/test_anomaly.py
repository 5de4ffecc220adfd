import numpy as np
import pytest

from molvae.model.anomaly import Anomaly, compare_anomaly


def test_percentiles_count_the_held_out_molecules_below_and_above():
    anomaly = Anomaly(np.array([0.5, 1.0, 9.0, np.inf]), np.array([3.0, 1.0, 2.0, 4.0]))
    assert anomaly.percentiles().tolist() == [0.0, 0.0, 100.0, 100.0]
    assert anomaly.likelihood_percentiles().tolist() == [100.0, 75.0, 0.0, 0.0]


def test_molecules_are_compared_with_held_out_ones(model, smiles):
    anomaly = compare_anomaly(model, smiles[:3], smiles[50:60], seed=1)
    assert anomaly.scores.tolist() == pytest.approx(model.anomaly_score(smiles[:3]).tolist())
    assert sorted(anomaly.held_out) == pytest.approx(sorted(model.anomaly_score(smiles[50:60])))
