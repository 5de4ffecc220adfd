"""A training step, computed by several threads."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from molvae.config import TrainConfig
from molvae.nn.device import autocast
from molvae.nn.vae import VAE, Loss, LossWeights, n_with_code
from molvae.seeding import torch_generator
from molvae.train.optimizers import make_optimizers

# A smaller share of a batch keeps a core busy with everything but matrix products.
FEWEST_PER_SHARD = 64


@dataclass(frozen=True)
class ShardLoss:
    """What one shard of a batch gave: its loss, and its molecules decoded with and without a code."""

    loss: Loss
    n_coded: int
    n_bare: int


class ShardedStep:
    """Splits each batch between threads, one for each CPU, adds up their gradients, and updates the weights.

    A recurrent network is a long chain of small products, which several threads together hardly speed up (by a factor
    of 1.0 to 1.3 for two); each thread with molecules of its own does (1.6). On a GPU, and with dropout (its chance
    comes from torch's one generator, which threads would race for), there is one shard.
    """

    def __init__(self, vae: VAE, config: TrainConfig, seed: int) -> None:
        """Prepare the threads for a training of `vae`, whose weights they share."""
        self._config = config
        self._seed = seed
        self._device = next(vae.parameters()).device
        alone = self._device.type != "cpu" or config.dropout > 0.0
        n_shards = 1 if alone else max(1, min(torch.get_num_threads(), config.batch_size // FEWEST_PER_SHARD))
        self._replicas = [vae, *(_sharing(vae) for _ in range(n_shards - 1))]
        self.optimizers = make_optimizers(vae, config, n_groups=n_shards)
        self._pool = ThreadPoolExecutor(n_shards, initializer=torch.set_num_threads, initargs=(1,))

    def gradient(self, token_ids: Tensor, lengths: Tensor, weights: LossWeights, step: int) -> list[ShardLoss]:
        """Leave the gradient of a batch's loss in the `grad` of the network's parameters.

        Every random draw follows from the seed, the step and the shard.

        Args:
            token_ids: int64 (B, T), each sequence with its end token, then padding.
            lengths: Tokens in each sequence, int64 (B,).
            weights: Weights of the loss's parts.
            step: Number of the step.
        """
        n = len(lengths)
        pieces = list(zip(token_ids.chunk(len(self._replicas)), lengths.chunk(len(self._replicas)), strict=True))

        # Autocast keeps the weights that it has cast in one cache for all threads, and empties it when any of them
        # leaves. A thread that were still at work would cast its weights again and add up their gradient in another
        # order, so they leave together.
        together = threading.Barrier(len(pieces))

        def shard(number: int) -> ShardLoss:
            tokens, sizes = pieces[number]
            replica = self._replicas[number]
            generator = torch_generator(self._seed, f"noise {step} {number}", self._device)
            share, words = self._config.code_dropout, self._config.word_dropout
            with autocast(self._device, self._config.precision):
                try:
                    loss = replica.loss(tokens, sizes, weights, share, words, generator)
                except BaseException:
                    together.abort()
                    raise
                together.wait()
            replica.zero_grad()
            (loss.total * (len(sizes) / n)).backward()  # type: ignore[no-untyped-call]
            n_coded = n_with_code(len(sizes), share)
            return ShardLoss(loss, n_coded, len(sizes) - n_coded)

        if len(self._replicas) == 1:
            return [shard(0)]
        futures = [self._pool.submit(shard, number) for number in range(len(pieces))]
        # Where one shard fails the others find their barrier broken; what is told is the failure.
        failures = [error for future in futures if (error := future.exception()) is not None]
        for error in sorted(failures, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
            raise error
        losses = [future.result() for future in futures]
        for parameter, *others in zip(
            *(replica.parameters() for replica in self._replicas[: len(pieces)]), strict=True
        ):
            assert parameter.grad is not None
            for other in others:
                parameter.grad += other.grad
        return losses

    def update(self, learning_rate: float) -> None:
        """Clip the gradient and take a step of the optimisers, each in a thread of its own."""
        torch.nn.utils.clip_grad_norm_(self._replicas[0].parameters(), self._config.gradient_clip)
        for optimizer in self.optimizers:
            optimizer.param_groups[0]["lr"] = learning_rate
        list(self._pool.map(lambda optimizer: optimizer.step(), self.optimizers))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()


def _sharing(vae: VAE) -> VAE:
    """Return a copy with gradients of its own but the same weights, in the same memory."""
    replica = copy.deepcopy(vae)
    for own, shared in zip(replica.parameters(), vae.parameters(), strict=True):
        own.data = shared.data
    return replica
