"""A training step, computed by several threads and processes."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from molvae.config import TrainConfig
from molvae.nn.batch import Batch
from molvae.nn.device import autocast
from molvae.nn.vae import VAE, LossWeights
from molvae.parallel import MIN_PER_SHARD
from molvae.train.optimizers import make_optimizers
from molvae.train.processes import add_up, number_of_processes, rank
from molvae.vocabulary import EOS_ID


class ShardedStep:
    """Distributes the rows of a batch over processes and threads, sums the gradients, and updates the weights.

    A recurrent network is a long chain of small products, which two threads together speed up by a factor of 1.0 to
    1.3, and two threads with molecules of their own by 1.6. On a GPU, and with dropout (whose random numbers come from
    torch's global generator, for which threads would race), a process has one shard.

    Processes sum their gradients by one all-reduce, where threads use shared memory: the gradient of a step is one
    vector of a few million numbers, so that nothing is gained from sending it in pieces while the rest is computed, as
    DistributedDataParallel does. Every process then takes the same step from the same gradient. All random numbers of a
    batch are drawn before it is distributed, so the sum differs from that of one process by rounding alone; only free
    bits, which depend on the mean of a shard, and dropout depend on the number of shards.
    """

    def __init__(self, vae: VAE, config: TrainConfig) -> None:
        """Start the threads, which share the weights of `vae`."""
        self._config = config
        self._device = next(vae.parameters()).device
        single = self._device.type != "cpu" or config.dropout > 0.0
        min_rows = MIN_PER_SHARD * number_of_processes()
        n_threads = 1 if single else max(1, min(torch.get_num_threads(), config.batch_size // min_rows))
        self._replicas = [vae, *(_replica(vae) for _ in range(n_threads - 1))]
        self.optimizers = make_optimizers(vae, config)
        if n_threads > 1:
            self._choose_kernels()
        self._pool = ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,))

    def _choose_kernels(self) -> None:
        """Compute a gradient in this thread, and drop it.

        oneDNN chooses its kernels when they are first needed. If that was in two threads at once, about one process in
        ten got gradients with other roundings in its first step, and other weights from then on (LSTM, AMX).
        """
        vae = self._replicas[0]
        token_ids, lengths = torch.full((2, 1), EOS_ID), torch.ones(2, dtype=torch.int64)
        batch = Batch(token_ids, lengths, token_ids[:1], lengths[:1], torch.zeros(1, vae.config.latent_dim))
        with autocast(self._device, self._config.precision):
            loss = vae.loss(batch, LossWeights(1.0))
        loss.total.backward()  # type: ignore[no-untyped-call]
        vae.zero_grad()

    def gradient(self, batch: Batch, weights: LossWeights) -> Tensor:
        """Compute the gradient of a batch's loss into the `grad` of the network's parameters.

        Args:
            batch: The whole batch, the same in every process.
            weights: Weights of the terms of the loss.

        Returns:
            Sums over the molecules of the batch: reconstruction, kl, properties, unconditional, float32 (4,).
        """
        own = batch.shard(rank(), number_of_processes())
        shards = [own.shard(number, len(self._replicas)) for number in range(len(self._replicas))]
        shards = [shard for shard in shards if len(shard)]
        self._replicas[0].zero_grad()
        sums = sum(self._backward(shards, weights, len(batch)), torch.zeros(4, device=self._device))
        parameter_lists = [list(replica.parameters()) for replica in self._replicas[: len(shards)]]
        for parameter, *others in zip(*parameter_lists, strict=True):
            for other in others:
                if other.grad is not None:
                    parameter.grad = other.grad if parameter.grad is None else parameter.grad.add_(other.grad)
        return self._over_processes(sums)

    def _backward(self, shards: list[Batch], weights: LossWeights, n: int) -> list[Tensor]:
        """Compute in each replica the gradient of its shard's part of the loss of n molecules, and return the sums."""
        # Autocast keeps the weights that it has cast in one cache for all threads, and empties it when any of them
        # leaves. A thread still at work would cast its weights again and sum their gradient in another order, so they
        # leave together.
        barrier = threading.Barrier(max(1, len(shards)))

        def backward(replica: VAE, shard: Batch) -> Tensor:
            with autocast(self._device, self._config.precision):
                try:
                    loss = replica.loss(shard, weights)
                except BaseException:
                    barrier.abort()
                    raise
                barrier.wait()
            replica.zero_grad()
            (loss.total * (len(shard) / n)).backward()  # type: ignore[no-untyped-call]
            conditional = torch.stack([loss.reconstruction, loss.kl, loss.properties]) * shard.n_conditional
            unconditional = loss.unconditional * shard.n_unconditional
            return torch.cat([conditional, unconditional[None]]).detach()

        if len(self._replicas) == 1:
            return [backward(self._replicas[0], shard) for shard in shards]
        futures = [self._pool.submit(backward, *pair) for pair in zip(self._replicas, shards, strict=False)]
        # Where one shard fails, the others find their barrier broken; the failure itself is raised.
        failures = [error for future in futures if (error := future.exception()) is not None]
        for error in sorted(failures, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
            raise error
        return [future.result() for future in futures]

    def _over_processes(self, sums: Tensor) -> Tensor:
        """Sum gradients and `sums` over the processes, in one vector."""
        if number_of_processes() == 1:
            return sums
        parameters = list(self._replicas[0].parameters())
        gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in parameters]
        flat = torch.cat([sums, *(gradient.flatten() for gradient in gradients)])
        add_up(flat)
        sums, *pieces = torch.split(flat, [len(sums), *(parameter.numel() for parameter in parameters)])
        for parameter, piece in zip(parameters, pieces, strict=True):
            parameter.grad = piece.view_as(parameter)
        return sums

    def update(self, learning_rate: float) -> None:
        """Clip the gradient and take a step of the optimisers, which are distributed over the threads."""
        torch.nn.utils.clip_grad_norm_(self._replicas[0].parameters(), self._config.gradient_clip)
        for optimizer in self.optimizers:
            optimizer.param_groups[0]["lr"] = learning_rate
        list(self._pool.map(lambda optimizer: optimizer.step(), self.optimizers))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()


def _replica(vae: VAE) -> VAE:
    """Return a copy with gradients of its own that shares the memory of the weights."""
    replica = copy.deepcopy(vae)
    for own, shared in zip(replica.parameters(), vae.parameters(), strict=True):
        own.data = shared.data
    return replica
