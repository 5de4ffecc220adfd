"""A training step, computed by several threads and several processes."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from molvae.config import TrainConfig
from molvae.nn.batch import Batch
from molvae.nn.device import autocast
from molvae.nn.vae import VAE, LossWeights
from molvae.train.optimizers import make_optimizers
from molvae.train.processes import add_up, number_of_processes, rank

# A smaller share of a batch keeps a core busy with everything but matrix products.
MIN_PER_SHARD = 64


class ShardedStep:
    """Deals the rows of each batch to processes and their threads, adds up the gradients, and updates the weights.

    A recurrent network is a long chain of small products, which several threads together hardly speed up (by a factor
    of 1.0 to 1.3 for two); each thread with molecules of its own does (1.6). On a GPU, and with dropout (its chance
    comes from torch's one generator, which threads would race for), a process has one shard.

    Processes do by one sum over all of them what threads do in shared memory: the gradient of a step is one vector of
    a few million numbers, so that there is nothing to gain from sending it in pieces while the rest is computed, which
    is what DistributedDataParallel is for. Every process then takes the same step from the same gradient. All chance
    of a batch is drawn before it is dealt out, so the sum differs from that of one process by rounding alone; only
    free bits, which look at the mean of a shard, and dropout depend on the number of shards.
    """

    def __init__(self, vae: VAE, config: TrainConfig) -> None:
        """Prepare the threads for a training of `vae`, whose weights they share."""
        self._config = config
        self._device = next(vae.parameters()).device
        alone = self._device.type != "cpu" or config.dropout > 0.0
        fewest = MIN_PER_SHARD * number_of_processes()
        n_threads = 1 if alone else max(1, min(torch.get_num_threads(), config.batch_size // fewest))
        self._replicas = [vae, *(_sharing(vae) for _ in range(n_threads - 1))]
        self.optimizers = make_optimizers(vae, config)
        self._pool = ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,))

    def gradient(self, batch: Batch, weights: LossWeights) -> Tensor:
        """Leave the gradient of a batch's loss in the `grad` of the network's parameters.

        Args:
            batch: The whole batch, the same in every process.
            weights: Weights of the loss's parts.

        Returns:
            Sums over the molecules of the batch: reconstruction, kl, properties, unconditional, float32 (4,).
        """
        mine = batch.shard(rank(), number_of_processes())
        pieces = [mine.shard(number, len(self._replicas)) for number in range(len(self._replicas))]
        pieces = [piece for piece in pieces if len(piece)]
        self._replicas[0].zero_grad()
        sums = sum(self._backward(pieces, weights, len(batch)), torch.zeros(4, device=self._device))
        parameter_lists = [list(replica.parameters()) for replica in self._replicas[: len(pieces)]]
        for parameter, *others in zip(*parameter_lists, strict=True):
            for other in others:
                if other.grad is not None:
                    parameter.grad = other.grad if parameter.grad is None else parameter.grad.add_(other.grad)
        return self._over_processes(sums)

    def _backward(self, pieces: list[Batch], weights: LossWeights, n: int) -> list[Tensor]:
        """Leave in each replica the gradient of its piece's share of the loss of n molecules, and return their sums."""
        # Autocast keeps the weights that it has cast in one cache for all threads, and empties it when any of them
        # leaves. A thread that were still at work would cast its weights again and add up their gradient in another
        # order, so they leave together.
        together = threading.Barrier(max(1, len(pieces)))

        def shard(replica: VAE, piece: Batch) -> Tensor:
            with autocast(self._device, self._config.precision):
                try:
                    loss = replica.loss(piece, weights)
                except BaseException:
                    together.abort()
                    raise
                together.wait()
            replica.zero_grad()
            (loss.total * (len(piece) / n)).backward()  # type: ignore[no-untyped-call]
            coded = torch.stack([loss.reconstruction, loss.kl, loss.properties]) * piece.n_coded
            bare = loss.unconditional * (len(piece) - piece.n_coded)
            return torch.cat([coded, bare[None]]).detach()

        if len(self._replicas) == 1:
            return [shard(self._replicas[0], piece) for piece in pieces]
        futures = [self._pool.submit(shard, *each) for each in zip(self._replicas, pieces, strict=False)]
        # Where one shard fails the others find their barrier broken; what is told is the failure.
        failures = [error for future in futures if (error := future.exception()) is not None]
        for error in sorted(failures, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
            raise error
        return [future.result() for future in futures]

    def _over_processes(self, sums: Tensor) -> Tensor:
        """Add up gradients and sums over the processes, in one vector."""
        if number_of_processes() == 1:
            return sums
        parameters = list(self._replicas[0].parameters())
        gradients = [torch.zeros_like(each) if each.grad is None else each.grad for each in parameters]
        flat = torch.cat([sums, *(gradient.flatten() for gradient in gradients)])
        add_up(flat)
        sums, *pieces = torch.split(flat, [len(sums), *(each.numel() for each in parameters)])
        for parameter, piece in zip(parameters, pieces, strict=True):
            parameter.grad = piece.view_as(parameter)
        return sums

    def update(self, learning_rate: float) -> None:
        """Clip the gradient and take a step of the optimisers, which the threads share among them."""
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
