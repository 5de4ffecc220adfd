import numpy as np
import pytest

from molvae.model.anomaly import Anomaly, compare_anomaly


def test_percentiles_count_the_held_out_molecules_below_and_above():
    anomaly = Anomaly(np.array([0.5, 1.0, 9.0, np.inf]), np.array([3.0, 1.0, 2.0, 4.0]))
    assert anomaly.percentiles().tolist() == [0.0, 0.0, 100.0, 100.0]
    assert anomaly.likelihood_percentiles().tolist() == [100.0, 75.0, 0.0, 0.0]


def test_a_score_that_could_not_be_computed_has_no_percentile():
    anomaly = Anomaly(np.array([np.nan, 9.0]), np.array([1.0, 2.0]))
    np.testing.assert_array_equal(anomaly.percentiles(), [np.nan, 100.0])
    np.testing.assert_array_equal(anomaly.likelihood_percentiles(), [np.nan, 0.0])


def test_without_held_out_molecules_there_are_no_percentiles():
    anomaly = Anomaly(np.array([1.0]), np.empty(0))
    assert np.isnan(anomaly.percentiles()).all()
    assert np.isnan(anomaly.likelihood_percentiles()).all()


def test_molecules_are_compared_with_held_out_ones(model, smiles):
    anomaly = compare_anomaly(model, smiles[:3], smiles[50:60], seed=1)
    assert anomaly.scores.tolist() == pytest.approx(model.anomaly_score(smiles[:3]).tolist())
    assert sorted(anomaly.held_out) == pytest.approx(sorted(model.anomaly_score(smiles[50:60])))
