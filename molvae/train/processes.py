"""Several processes that train one model, as `torchrun` starts them; without it there is one.

Every process sees the same files. The first alone writes.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed as dist

from molvae.errors import ConfigError
from molvae.log import logger

# The others wait while the first writes the molecules of a large library, so a long wait is no failure.
MAX_WAIT_S = timedelta(days=1)


@contextmanager
def process_group(device: torch.device) -> Iterator[torch.device]:
    """Join the processes that train together, where `torchrun` started this one, and part from them at the end.

    They speak through NCCL on GPUs and through Gloo on CPUs. Only the first reports what it does.

    Args:
        device: The device that was chosen.

    Yields:
        The device of this process: each has a GPU of its own.

    Raises:
        ConfigError: If there are more processes than GPUs on a machine.
    """
    if not dist.is_torchelastic_launched():
        yield device
        return
    on_gpu = device.type == "cuda"
    if on_gpu:
        if processes_here() > torch.cuda.device_count():
            raise ConfigError(
                f"torchrun: expected at most as many processes as GPUs, {torch.cuda.device_count()}, found "
                f"{processes_here()}; lower --nproc-per-node, or use device=cpu"
            )
        device = torch.device("cuda", dist.get_node_local_rank())
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=MAX_WAIT_S, device_id=device if on_gpu else None)
    level = logger.level
    if not is_first():
        logger.setLevel(logging.WARNING)
    try:
        yield device
    finally:
        logger.setLevel(level)
        dist.destroy_process_group()


def processes_here() -> int:
    """Return how many of the processes are on this machine."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if dist.is_torchelastic_launched() else 1


def number_of_processes() -> int:
    """Return how many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process among those that train together, from 0."""
    if dist.is_initialized():
        return dist.get_rank()
    return int(os.environ["RANK"]) if dist.is_torchelastic_launched() else 0


def is_first() -> bool:
    """Say whether this is the process that writes."""
    return rank() == 0


def wait_for_all() -> None:
    """Go on when every process has come here."""
    if dist.is_initialized():
        dist.barrier()


def add_up(tensor: Tensor) -> None:
    """Replace a tensor in every process by its sum over all; they must all come here."""
    if dist.is_initialized():
        dist.all_reduce(tensor)
