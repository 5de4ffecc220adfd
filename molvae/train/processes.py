"""Several processes that train one model, as started by `torchrun`; without it there is one.

All processes see the same files. Only the first writes.
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

# The others wait while the first writes the data of a large library, so a long wait is no failure.
MAX_WAIT_S = timedelta(days=1)


@contextmanager
def process_group(device: torch.device) -> Iterator[torch.device]:
    """Join the process group if `torchrun` started this process, and leave it at the end.

    The processes communicate through NCCL on GPUs and through Gloo on CPUs. Only the first logs its progress.

    Args:
        device: The device chosen by the settings.

    Yields:
        The device of this process: every process has a GPU of its own.

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
    """Return the number of processes on this machine."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if dist.is_torchelastic_launched() else 1


def number_of_processes() -> int:
    """Return the number of processes that train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Return the rank of this process among those that train together, from 0."""
    if dist.is_initialized():
        return dist.get_rank()
    return int(os.environ["RANK"]) if dist.is_torchelastic_launched() else 0


def is_first() -> bool:
    """Return whether this is the process that writes."""
    return rank() == 0


def wait_for_all() -> None:
    """Block until every process has reached this call."""
    if dist.is_initialized():
        dist.barrier()


def add_up(tensor: Tensor) -> None:
    """Replace a tensor, of one shape in every process, by its sum over all; every process must call this."""
    if dist.is_initialized():
        dist.all_reduce(tensor)
