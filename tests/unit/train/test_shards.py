import numpy as np
import pytest
import torch

from molvae.config import ModelConfig, TrainConfig
from molvae.nn.vae import VAE, LossWeights
from molvae.seeding import torch_generator
from molvae.train.shards import ShardedStep


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def vae(small_train_config, vocabulary):
    torch.manual_seed(0)
    fields = small_train_config.model_dump(include=set(ModelConfig.model_fields))
    return VAE(ModelConfig.model_validate(fields), len(vocabulary))


@pytest.mark.usefixtures("two_threads")
def test_the_shards_gradients_add_up_to_the_batchs(vae, small_train_config, store):
    config = small_train_config.model_copy(update={"batch_size": 128})
    token_ids, lengths = store.batch(np.arange(101))
    step = ShardedStep(vae, config, seed=1)
    parts = step.gradient(token_ids, lengths, LossWeights(0.1), step=3)
    step.close()
    assert [part.n_coded + part.n_bare for part in parts] == [51, 50]
    summed = [parameter.grad.clone() for parameter in vae.parameters()]
    expected = [torch.zeros_like(parameter) for parameter in vae.parameters()]
    for number, rows in enumerate((slice(0, 51), slice(51, 101))):
        generator = torch_generator(1, f"noise 3 {number}")
        loss = vae.loss(token_ids[rows], lengths[rows], LossWeights(0.1), config.code_dropout, generator=generator)
        share = len(lengths[rows]) / 101
        for total, part in zip(expected, torch.autograd.grad(loss.total * share, list(vae.parameters())), strict=True):
            total += part
    for found, wanted in zip(summed, expected, strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.usefixtures("two_threads")
def test_the_replicas_follow_the_weights(vae, small_train_config, store):
    config = small_train_config.model_copy(update={"batch_size": 128})
    step = ShardedStep(vae, config, seed=1)
    token_ids, lengths = store.batch(np.arange(128))
    before = step.gradient(token_ids, lengths, LossWeights(0.1), step=0)
    with torch.no_grad():
        for parameter in vae.parameters():
            parameter *= 0.5
    after = step.gradient(token_ids, lengths, LossWeights(0.1), step=0)
    step.close()
    assert all(a.loss.total != b.loss.total for a, b in zip(before, after, strict=True))


def test_a_batch_too_small_for_two_shards_has_one(vae, small_train_config, store):
    step = ShardedStep(vae, small_train_config, seed=1)
    assert len(step.gradient(*store.batch(np.arange(1)), LossWeights(0.1), step=0)) == 1


def test_the_groups_of_matrices_hold_each_weight_once(vae, small_train_config):
    from molvae.train.optimizers import make_optimizers

    for n_groups in (1, 2, 3):
        optimizers = make_optimizers(vae, small_train_config, n_groups)
        assert len(optimizers) == n_groups + 1
        held = [id(p) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
        assert sorted(held) == sorted(map(id, vae.parameters()))


@pytest.mark.usefixtures("two_threads")
def test_several_threads_give_the_same_weights_every_time(vocabulary, store):
    # The sizes matter: they make the threads' forward passes overlap by different amounts from run to run.
    config = TrainConfig(precision="bfloat16", encoder_hidden=64, decoder_hidden=128)

    def train_for_some_steps():
        torch.manual_seed(0)
        vae = VAE(config, len(vocabulary))
        step = ShardedStep(vae, config, seed=1)
        for number in range(8):
            step.gradient(*store.batch(np.arange(number, number + 128)), LossWeights(0.1), number)
            step.update(1e-3)
        step.close()
        return vae.state_dict()

    first = train_for_some_steps()
    for _ in range(3):
        assert all(torch.equal(weight, first[name]) for name, weight in train_for_some_steps().items())


@pytest.mark.usefixtures("two_threads")
def test_a_shard_that_fails_says_why(vae, small_train_config, store):
    step = ShardedStep(vae, small_train_config.model_copy(update={"batch_size": 128}), seed=1)
    token_ids, lengths = store.batch(np.arange(100))
    token_ids[70, 0] = 10_000
    with pytest.raises(IndexError):
        step.gradient(token_ids, lengths, LossWeights(0.1), step=0)
    step.close()
