"""What every registered search strategy must do."""

import numpy as np
import pytest

from molvae.chem.molecules import canonical_smiles
from molvae.config import OptimizeConfig, parse_config
from molvae.errors import ConfigError
from molvae.optimize.objective import Evaluation, Objective, load_objective
from molvae.optimize.oracle import Oracle
from molvae.optimize.strategies import STRATEGIES, SearchContext


@pytest.fixture(params=STRATEGIES)
def make(request, model, smiles):
    def make_strategy(start=6, seed=1):
        strategy = STRATEGIES[request.param]
        objective = load_objective("qed")
        context = SearchContext(model, smiles[:start], smiles, 100, objective, seed, n_jobs=1, device=model.device)
        return strategy(context, strategy.settings_type())

    return make_strategy


def evaluation(smiles, score=0.5, feasible=True, status="ok"):
    return Evaluation(smiles, score, feasible, status, {}, {})


def run(strategy, rounds=4, n=5):
    asked = []
    for number in range(rounds):
        proposals = strategy.ask(n)
        asked.append(proposals)
        strategy.tell([evaluation(smiles, score=(len(smiles) % 7) / 7 + number / 100) for smiles, _ in proposals])
    return asked


def test_it_asks_for_molecules_with_an_origin_and_no_more_than_wanted(make):
    for proposals in run(make()):
        assert 0 < len(proposals) <= 5
        assert all(canonical_smiles(smiles) and origin for smiles, origin in proposals)


def test_the_same_seed_asks_the_same(make):
    assert run(make()) == run(make())
    assert run(make(start=0)) != run(make(start=0, seed=2))


def test_it_goes_on_when_nothing_could_be_scored(make):
    strategy = make()
    for _ in range(4):
        proposals = strategy.ask(5)
        assert proposals
        strategy.tell([evaluation(smiles, np.nan, feasible=False, status="failed") for smiles, _ in proposals])


def test_it_goes_on_when_it_is_told_nothing(make):
    strategy = make(start=0)
    strategy.ask(3)
    strategy.tell([])
    assert strategy.ask(3)


def spend(strategy, budget, folder, stop_at=None):
    """Search until the budget is spent, or until so many calls as if killed; return the SMILES of the calls."""
    with Oracle(load_objective("qed"), budget, folder) as oracle:
        number = 0
        while oracle.remaining and oracle.n_calls < (stop_at or budget) and number < 100:
            strategy.tell(oracle.score(strategy.ask(min(5, oracle.remaining)), number))
            number += 1
        return [evaluation.smiles for evaluation in oracle.evaluations]


def test_a_killed_search_that_is_run_again_repeats_no_call_and_spends_exactly_its_budget(make, tmp_path, monkeypatch):
    first = spend(make(), 22, tmp_path, stop_at=12)
    computed = []
    evaluate = Objective.evaluate_batch
    monkeypatch.setattr(
        Objective, "evaluate_batch", lambda self, batch: computed.extend(batch) or evaluate(self, batch)
    )
    whole = spend(make(), 22, tmp_path)
    assert len(set(whole)) == len(whole) == 22
    assert whole[: len(first)] == first
    # The calls of the first run come from their record.
    assert computed == whole[len(first) :]


def test_the_settings_offer_exactly_the_registered_strategies():
    assert sorted(OptimizeConfig.strategies()) == sorted(STRATEGIES)


@pytest.mark.parametrize("name", STRATEGIES)
def test_it_has_a_section_of_settings_of_its_own(name):
    config = OptimizeConfig(strategy=name)
    assert type(config.strategy_settings) is STRATEGIES[name].settings_type
    with pytest.raises(ConfigError, match=rf"optimize\.{name}\.no_such: expected a known setting"):
        parse_config({"optimize": {name: {"no_such": 1}}}, "here")
