import torch
from test_latent_search import context, tpsa

from molvae.config import GradientSearchConfig
from molvae.optimize.objective import Evaluation
from molvae.optimize.strategies.gradient_search import GradientSearch
from molvae.seeding import numpy_generator


def told(model, smiles, **settings):
    strategy = GradientSearch(context(model, [], smiles), GradientSearchConfig(**settings))
    strategy.tell([Evaluation(molecule, tpsa(molecule), True, "ok", {}, {}) for molecule in smiles])
    return strategy


def test_its_network_learns_to_order_the_scores(model, smiles):
    strategy = told(model, smiles, n_steps=300)
    strategy.ask(2)
    codes = torch.from_numpy(model.encode(smiles))
    predicted = strategy._network(codes)[:, 0].detach()
    scores = torch.tensor([tpsa(molecule) for molecule in smiles])
    assert torch.corrcoef(torch.stack([predicted, scores]))[0, 1] > 0.7


def test_ascents_raise_the_prediction(model, smiles):
    strategy = told(model, smiles)
    strategy.ask(2)
    codes = torch.from_numpy(model.encode(smiles[:20]))
    before = strategy._network(codes)[:, 0].detach()
    ends, after = strategy._ascend(codes, numpy_generator(1, "test"))
    assert (after > before).all()
    longest = strategy.settings.max_ascent_steps * strategy.settings.step_length
    assert ((ends - codes).norm(dim=1) <= longest + 1e-4).all()


def test_what_is_proposed_comes_from_ascents(model, smiles):
    assert any(origin == "ascent" for _, origin in told(model, smiles).ask(20))
