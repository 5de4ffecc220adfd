"""What must be the same on a GPU as on the CPU, and what must work there at all."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from molvae.config import LatentSearchConfig, OptimizeConfig
from molvae.model.loading import load
from molvae.model.model import MolVAE
from molvae.nn.batch import Batch
from molvae.nn.vae import VAE, LossWeights
from molvae.optimize.objective import load_objective
from molvae.optimize.strategies import SearchContext
from molvae.optimize.strategies.latent_search import LatentSearch
from molvae.train import train
from molvae.train.checkpoint import Checkpoint
from molvae.train.loop import fit
from molvae.train.molecules import Molecules

pytestmark = pytest.mark.gpu

# cuDNN's recurrent layers and TF32 products round differently from the CPU's.
TOLERANCE = 5e-3


@pytest.fixture
def on_gpu(model, tmp_path) -> MolVAE:
    model.save(tmp_path / "model")
    return load(tmp_path / "model", "cuda")


def test_codes_agree_with_the_cpus(model, on_gpu, smiles):
    np.testing.assert_allclose(on_gpu.encode(smiles), model.encode(smiles), atol=TOLERANCE)


def test_nearly_all_codes_decode_to_the_same_molecules(model, on_gpu, smiles):
    codes = model.encode(smiles)
    same = [a == b for a, b in zip(on_gpu.decode(codes), model.decode(codes), strict=True)]
    assert np.mean(same) > 0.95


@pytest.mark.parametrize("prior", ["normal", "gaussian_mixture", "flow", "decoder"])
def test_samples_follow_from_the_seed(on_gpu, prior):
    assert on_gpu.sample(200, seed=1, prior=prior) == on_gpu.sample(200, seed=1, prior=prior)
    assert on_gpu.sample(200, seed=1, prior=prior) != on_gpu.sample(200, seed=2, prior=prior)
    bounded = replace(on_gpu.sampling_params(prior), max_nll=20.0)
    accepted = on_gpu.sample(200, seed=1, prior=prior, params=bounded)
    assert accepted == on_gpu.sample(200, seed=1, prior=prior, params=bounded)


def test_teacher_forced_logits_agree_with_the_cpus(model, store):
    token_ids, lengths = store.batch(np.arange(64))
    # A copy, because moving a network to a device moves it in place.
    on_device = model.copy().vae.cuda()
    with torch.no_grad():
        mu, _ = model.vae.encode(token_ids, lengths)
        on_cpu = model.vae.logits(token_ids, mu)
        on_cuda = on_device.logits(token_ids.cuda(), mu.cuda()).cpu()
    torch.testing.assert_close(on_cuda, on_cpu, atol=TOLERANCE, rtol=TOLERANCE)


def test_a_killed_training_goes_on(small_train_config, vocabulary, store, steps, tmp_path):
    config = small_train_config.model_copy(update={"epochs": 3, "checkpoint_every_s": 1e-9})
    splits = Molecules(store.subset(np.arange(220))), Molecules(store.subset(np.arange(220, 300)))

    class Stop(Checkpoint):
        saves = 0

        def save(self, state):
            super().save(state)
            self.saves += 1
            if self.saves == 4:
                raise KeyboardInterrupt

    def new():
        torch.manual_seed(0)
        return VAE(config.architecture(), len(vocabulary)).cuda()

    whole = fit(new(), *splits, config, 1, Checkpoint(tmp_path / "whole", "a"))
    expected_steps = steps.copy()
    steps.clear()
    with pytest.raises(KeyboardInterrupt):
        fit(new(), *splits, config, 1, Stop(tmp_path / "killed", "a"))
    resumed = fit(new(), *splits, config, 1, Checkpoint(tmp_path / "killed", "a"))
    for row, expected in zip(resumed, whole, strict=True):
        assert math.isclose(row["validation_loss"], expected["validation_loss"], rel_tol=1e-2)
    # None is taken twice.
    assert steps == expected_steps


def test_the_train_stage_runs_and_its_model_loads_on_the_cpu(prepared, small_train_config, tmp_path, smiles):
    train(prepared, tmp_path, small_train_config.model_copy(update={"epochs": 1}), seed=1, device="cuda")
    assert np.isfinite(load(tmp_path / "model", "cpu").encode(smiles[:3])).all()


def test_a_search_runs(on_gpu, smiles):
    objective = load_objective("qed")
    context = SearchContext(on_gpu, [], smiles, 100, objective, seed=1, n_jobs=1, device=on_gpu.device)
    strategy = LatentSearch(context, LatentSearchConfig())
    assert len(strategy.ask(OptimizeConfig().batch_size)) > 0


def test_a_gradient_reaches_every_weight(model, store):
    vae = model.copy().vae.cuda().train()
    batch = Batch.draw(*store.batch(np.arange(64), "cuda"), model.latent_dim, code_dropout=0.25)
    vae.loss(batch, LossWeights(0.05)).total.backward()
    assert all(weight.grad is not None and torch.isfinite(weight.grad).all() for weight in vae.parameters())
