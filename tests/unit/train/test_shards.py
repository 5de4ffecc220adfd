import threading

import numpy as np
import pytest
import torch

from molvae.config import TrainConfig
from molvae.nn.batch import Batch
from molvae.nn.device import gains_from_bfloat16
from molvae.nn.vae import VAE, LossWeights
from molvae.train.optimizers import make_optimizers
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
    return VAE(small_train_config.architecture(), len(vocabulary), n_properties=1)


@pytest.fixture
def draw(store):
    def make(rows):
        generator = torch.Generator().manual_seed(4)
        token_ids, lengths = store.batch(rows)
        encoder_input = store.batch(299 - rows)
        properties = torch.where(lengths > 20, lengths / 40, torch.nan)[:, None]
        return Batch.draw(token_ids, lengths, 8, 0.25, 0.2, generator, encoder_input, properties)

    return make


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("n", [101, 5, 2, 1])
def test_the_shards_add_up_to_the_batch(vae, small_train_config, draw, n):
    batch = draw(np.arange(n))
    step = ShardedStep(vae, small_train_config.model_copy(update={"batch_size": 128}))
    sums = step.gradient(batch, LossWeights(0.1, z_l2=0.01, properties=(3.0,)))
    step.close()
    loss = vae.loss(batch, LossWeights(0.1, z_l2=0.01, properties=(3.0,)))
    n_unconditional = n - batch.n_conditional
    coded = [part * batch.n_conditional for part in (loss.reconstruction, loss.kl, loss.properties)]
    torch.testing.assert_close(sums, torch.stack([*coded, loss.unconditional * n_unconditional]))
    for parameter, expected in zip(
        vae.parameters(), torch.autograd.grad(loss.total, list(vae.parameters())), strict=True
    ):
        torch.testing.assert_close(parameter.grad, expected, atol=1e-5, rtol=1e-4)


def test_every_molecule_is_in_one_shard_with_its_own_random_numbers(draw):
    batch = draw(np.arange(23))
    shards = [batch.shard(number, 4) for number in range(4)]
    assert sum(map(len, shards)) == 23
    assert max(shard.n_conditional for shard in shards) - min(shard.n_conditional for shard in shards) <= 1

    def coded(part):
        columns = part.token_ids, part.word_dropout_mask, part.encoder_ids, part.noise
        return [tuple(map(tuple, row)) for row in zip(*(column.tolist() for column in columns), strict=False)]

    assert sorted(row for shard in shards for row in coded(shard)) == sorted(coded(batch))


@pytest.mark.usefixtures("two_threads")
def test_the_replicas_follow_the_weights(vae, small_train_config, draw):
    step = ShardedStep(vae, small_train_config.model_copy(update={"batch_size": 128}))
    before = step.gradient(draw(np.arange(128)), LossWeights(0.1, properties=(1.0,)))
    with torch.no_grad():
        for parameter in vae.parameters():
            parameter *= 0.5
    after = step.gradient(draw(np.arange(128)), LossWeights(0.1, properties=(1.0,)))
    step.close()
    assert (before != after).all()


def test_the_optimizers_hold_each_weight_once(vae, small_train_config):
    optimizers = make_optimizers(vae, small_train_config)
    held = [id(p) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
    assert sorted(held) == sorted(map(id, vae.parameters()))


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_several_threads_give_the_same_weights_every_time(cell, vocabulary, store):
    # The sizes matter: they make the threads' forward passes overlap by different amounts from run to run.
    # On a CPU without the instructions there is no LSTM in bfloat16, and a GRU takes ten times as long.
    precision = "bfloat16" if gains_from_bfloat16(torch.device("cpu")) else "float32"
    config = TrainConfig(cell=cell, precision=precision, encoder_hidden=64, decoder_hidden=128)

    def train_for_some_steps():
        torch.manual_seed(0)
        vae = VAE(config.architecture(), len(vocabulary))
        step = ShardedStep(vae, config)
        for number in range(8):
            generator = torch.Generator().manual_seed(number)
            rows = store.batch(np.arange(number, number + 128))
            step.gradient(Batch.draw(*rows, config.latent_dim, 0.25, generator=generator), LossWeights(0.1))
            step.update(1e-3)
        step.close()
        return vae.state_dict()

    first = train_for_some_steps()
    for _ in range(3):
        assert all(torch.equal(weight, first[name]) for name, weight in train_for_some_steps().items())


@pytest.mark.usefixtures("two_threads")
def test_a_shard_that_fails_says_why(vae, small_train_config, draw):
    step = ShardedStep(vae, small_train_config.model_copy(update={"batch_size": 128}))
    batch = draw(np.arange(100))
    batch.token_ids[71, 0] = 10_000
    with pytest.raises(IndexError):
        step.gradient(batch, LossWeights(0.1, properties=(1.0,)))
    step.close()


@pytest.mark.usefixtures("two_threads")
def test_kernels_are_chosen_in_one_thread_before_several_compute(vae, small_train_config, draw, monkeypatch):
    computed_in = []
    loss = VAE.loss

    def recorded(self, *arguments):
        computed_in.append(threading.current_thread())
        return loss(self, *arguments)

    monkeypatch.setattr(VAE, "loss", recorded)
    random_state = torch.get_rng_state()
    sharded = ShardedStep(vae, small_train_config.model_copy(update={"batch_size": 128}))
    assert computed_in == [threading.main_thread()]
    assert all(weight.grad is None for weight in vae.parameters())
    assert torch.equal(torch.get_rng_state(), random_state)
    sharded.gradient(draw(np.arange(128)), LossWeights(0.05))
    assert len(set(computed_in)) == 3
    sharded.close()
