import sys

import pytest
import torch

from molvae.config import TrustRegionSearchConfig
from molvae.errors import ConfigError
from molvae.optimize.strategies.trust_region_search import TrustRegion, TrustRegionSearch

SETTINGS = TrustRegionSearchConfig(
    initial_length=0.4, min_length=0.15, max_length=1.0, success_tolerance=2, failure_tolerance=2
)


def after(region, *best_of_rounds):
    for best in best_of_rounds:
        region = region.after(best, SETTINGS)
    return region


def test_the_region_grows_after_successes_up_to_its_maximum():
    region = TrustRegion(0.4, best=0.1)
    assert after(region, 0.2).length == 0.4
    assert after(region, 0.2, 0.3).length == 0.8
    assert after(region, 0.2, 0.3, 0.4, 0.5).length == 1.0
    assert after(region, 0.2, 0.3).best == 0.3


def test_the_region_shrinks_after_failures_and_begins_anew_when_it_is_tiny():
    region = TrustRegion(0.4, best=0.5)
    assert after(region, 0.2).length == 0.4
    assert after(region, 0.2, 0.5).length == 0.2
    assert after(region, 0.2, 0.5, 0.1, 0.1).length == SETTINGS.initial_length
    assert after(region, 0.2, 0.5).best == 0.5


def test_only_rounds_in_a_row_count():
    region = after(TrustRegion(0.4, best=0.1), 0.05, 0.2, 0.1, 0.3)
    assert (region.length, region.n_successes, region.n_failures) == (0.4, 1, 0)


@pytest.fixture
def strategy(told, smiles):
    return told(TrustRegionSearch, TrustRegionSearchConfig(n_candidates=64, min_points=5, max_points=9), smiles)


def test_candidates_lie_in_the_region_and_each_moves(strategy, model):
    centre = torch.full((model.latent_dim,), 0.5, dtype=torch.float64)
    scales = torch.linspace(0.5, 2.0, model.latent_dim, dtype=torch.float64)
    offsets = strategy._candidates(centre, scales) - centre
    half_widths = 0.5 * strategy._region.length * scales / scales.log().mean().exp()
    assert (offsets.abs() <= half_widths + 1e-12).all()
    assert (offsets != 0.0).any(dim=1).all()


def test_the_gaussian_process_is_fitted_to_what_is_near(strategy):
    inputs = torch.linspace(0.0, 1.0, 21, dtype=torch.float64)[:, None]
    strategy._region = TrustRegion(0.31)
    assert sorted(strategy._rows_near(inputs, inputs[10]).tolist()) == [7, 8, 9, 10, 11, 12, 13]
    strategy._region = TrustRegion(0.01)
    assert sorted(strategy._rows_near(inputs, inputs[10]).tolist()) == [8, 9, 10, 11, 12]
    strategy._region = TrustRegion(2.0)
    assert len(strategy._rows_near(inputs, inputs[10])) == 9


def test_what_is_proposed_comes_from_the_region(strategy):
    assert any(origin == "trust_region" for _, origin in strategy.ask(10))


def test_equal_scores_are_no_fault(told, smiles):
    assert told(TrustRegionSearch, TrustRegionSearchConfig(), smiles[:20], score=0.0).ask(5)


def test_without_botorch_the_message_says_how_to_install_it(told, monkeypatch):
    monkeypatch.delitem(sys.modules, "molvae.optimize.thompson", raising=False)
    monkeypatch.delattr("molvae.optimize.thompson", raising=False)
    monkeypatch.setitem(sys.modules, "botorch.exceptions", None)
    with pytest.raises(ConfigError, match=r"trust_region expects BoTorch.*pip install 'molvae\[botorch\]'"):
        told(TrustRegionSearch, TrustRegionSearchConfig(), [])


@pytest.mark.parametrize("settings", [{"min_points": 600}, {"min_length": 0.5}, {"initial_length": 2.0}])
def test_limits_that_exclude_each_other_are_refused(settings):
    with pytest.raises(ValueError, match=r"is above"):
        TrustRegionSearchConfig(**settings)
