import pytest
import torch

from molvae.config import RefitConfig
from molvae.nn.inference import unconditional_nll
from molvae.optimize.strategies.refit import refit


def nll(model, smiles):
    store, _ = model.tokenise(smiles)
    return float(unconditional_nll(model.vae, store).mean())


def test_the_incumbents_become_likelier_and_the_given_model_stays_as_it_is(model, smiles):
    copy = model.copy()
    before = {name: weight.clone() for name, weight in model.vae.state_dict().items()}
    for number in range(5):
        refit(copy, smiles[:10], smiles[50:], number, seed=1, settings=RefitConfig())
    assert nll(copy, smiles[:10]) < nll(model, smiles[:10]) - 1.0
    assert all(torch.equal(weight, before[name]) for name, weight in model.vae.state_dict().items())


def test_it_follows_from_the_seed_and_leaves_torchs_generator_alone(model, smiles):
    torch.manual_seed(5)
    expected = torch.rand(3)
    copies = [model.copy() for _ in range(2)]
    torch.manual_seed(5)
    for copy in copies:
        refit(copy, smiles[:10], smiles[50:], 1, seed=1, settings=RefitConfig())
    assert torch.equal(torch.rand(3), expected)
    states = [copy.vae.state_dict() for copy in copies]
    assert all(torch.equal(weight, states[1][name]) for name, weight in states[0].items())


def test_incumbents_that_the_model_cannot_read_change_nothing(model, smiles):
    copy = model.copy()
    refit(copy, ["C[As](C)C"], smiles[:5], 1, seed=1, settings=RefitConfig())
    assert torch.equal(copy.vae.embedding.weight, model.vae.embedding.weight)


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_it_learns_from_training_molecules_or_from_incumbents_alone(model, smiles, fraction):
    copy = model.copy()
    settings = RefitConfig(incumbent_fraction=fraction)
    refit(copy, smiles[:10], smiles[50:], 1, seed=1, settings=settings)
    assert not torch.equal(copy.vae.embedding.weight, model.vae.embedding.weight)
