"""Where to compute, and in which number format."""

import os
from contextlib import AbstractContextManager, nullcontext

import torch

from molvae.errors import ConfigError


def choose_device(name: str = "auto") -> torch.device:
    """Return the device for `auto`, `cpu` or `cuda`.

    Raises:
        ConfigError: If CUDA is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("train.device: expected a CUDA GPU for 'cuda', found none; use 'auto' or 'cpu'")
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def gains_from_bfloat16(device: torch.device) -> bool:
    """Say whether the device multiplies bfloat16 faster than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Return a context in which matrix products run in `precision`: `auto`, `float32` or `bfloat16`."""
    if precision == "float32" or (precision == "auto" and not gains_from_bfloat16(device)):
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def set_threads(threads: int | None) -> int:
    """Let torch use that many CPU threads, but no more than there are CPUs; return the number."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    n_threads = min(threads or available, available)
    torch.set_num_threads(n_threads)
    return n_threads
