import pytest
import torch

from molvae.nn.vae import VAE
from molvae.train import optimizers
from molvae.train.optimizers import Float32Muon, make_optimizers

SETTINGS = {"lr": 0.02, "weight_decay": 0.1, "adjust_lr_fn": "match_rms_adamw"}


def updated(kind, shape, gradients):
    """Return a matrix after a step with each gradient, and the optimiser."""
    torch.manual_seed(0)
    matrix = torch.nn.Parameter(torch.randn(shape))
    optimizer = kind([matrix], **SETTINGS)
    for gradient in gradients:
        matrix.grad = gradient.clone()
        optimizer.step()
    return matrix.detach(), optimizer


@pytest.mark.parametrize("shape", [(40, 24), (24, 40), (16, 16)])
def test_in_float32_it_takes_the_steps_of_torchs_but_for_rounding(shape):
    gradients = [torch.randn(shape, generator=torch.Generator().manual_seed(n)) for n in range(6)]
    ours, own = updated(Float32Muon, shape, gradients)
    theirs, other = updated(torch.optim.Muon, shape, gradients)
    moved = (theirs - updated(torch.optim.Muon, shape, [])[0]).norm()
    assert (ours - theirs).norm() < 0.03 * moved
    # So that a training goes on with either.
    assert own.state_dict()["param_groups"] == other.state_dict()["param_groups"]
    momentum, their_momentum = (one.state_dict()["state"][0]["momentum_buffer"] for one in (own, other))
    assert torch.equal(momentum, their_momentum)


def test_a_step_is_orthogonal_and_of_adamws_size():
    matrix, _ = updated(Float32Muon, (64, 32), [torch.randn(64, 32, generator=torch.Generator().manual_seed(1))])
    before, _ = updated(Float32Muon, (64, 32), [])
    step = (before * (1 - 0.02 * 0.1) - matrix) / (0.02 * 0.2 * 64**0.5)
    values = torch.linalg.svdvals(step)
    assert values.min() > 0.5
    assert values.max() < 1.5


@pytest.mark.parametrize(("is_fast", "kind"), [(False, Float32Muon), (True, torch.optim.Muon)])
def test_the_format_is_the_one_that_the_cpu_is_fast_in(small_train_config, monkeypatch, is_fast, kind):
    monkeypatch.setattr(optimizers, "gains_from_bfloat16", lambda device: is_fast)
    *of_matrices, of_others = make_optimizers(VAE(small_train_config.architecture(), 20), small_train_config)
    assert {type(one) for one in of_matrices} == {kind}
    assert type(of_others) is torch.optim.AdamW
