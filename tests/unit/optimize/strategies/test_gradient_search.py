import torch

from molvae.config import GradientSearchConfig
from molvae.optimize.strategies.gradient_search import GradientSearch
from molvae.seeding import numpy_generator


def test_its_network_learns_to_order_the_scores(told, smiles, polarity):
    strategy = told(GradientSearch, GradientSearchConfig(n_steps=300), smiles[:30])
    strategy.ask(2)
    codes = strategy._inputs(smiles[:30])
    predicted = strategy._network(codes)[:, 0].detach()
    scores = torch.tensor([polarity(molecule) for molecule in smiles[:30]])
    assert torch.corrcoef(torch.stack([predicted, scores]))[0, 1] > 0.7


def test_ascents_raise_the_prediction(told, smiles):
    strategy = told(GradientSearch, GradientSearchConfig(), smiles)
    strategy.ask(2)
    codes = strategy._inputs(smiles[:20])
    before = strategy._network(codes)[:, 0].detach()
    ends, after = strategy._ascend(codes, numpy_generator(1, "test"))
    assert (after > before).all()
    longest = strategy.settings.max_ascent_steps * strategy.settings.step_length
    assert ((ends - codes).norm(dim=1) <= longest + 1e-4).all()


def test_what_is_proposed_comes_from_ascents(told, smiles):
    assert any(origin == "ascent" for _, origin in told(GradientSearch, GradientSearchConfig(), smiles).ask(20))
