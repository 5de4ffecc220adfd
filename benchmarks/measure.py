"""Shared by the benchmarks: the device, molecules, timing, and the limit of the hardware."""

import gzip
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from molvae.chem.selfies_codec import smiles_to_selfies
from molvae.nn.device import choose_device, gains_from_bfloat16
from molvae.nn.tokens import TokenStore
from molvae.parallel import set_threads
from molvae.vocabulary import Vocabulary

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv" / "peers"
DEVICE = choose_device()
N_JOBS = set_threads(None)


def demo_smiles(n: int) -> list[str]:
    with gzip.open(ROOT / "data" / "demo.smi.gz", "rt") as lines:
        return [line.split()[0] for line in islice(lines, n)]


def demo_store(n: int) -> tuple[TokenStore, Vocabulary]:
    encoded = [text for text in map(smiles_to_selfies, demo_smiles(n)) if text]
    vocabulary = Vocabulary.from_selfies(encoded)
    return TokenStore.from_strings(encoded, vocabulary), vocabulary


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the median time of a few runs, after a warm-up run."""
    work()
    times = []
    for _ in range(repeats):
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()
        begin = time.perf_counter()
        work()
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


def matrix_product_flops(device: torch.device = DEVICE) -> float:
    """Return the floating-point operations per second of a large matrix product at the precision of the training."""
    size = 8192 if device.type == "cuda" else 2048
    dtype = torch.bfloat16 if gains_from_bfloat16(device) else torch.float32
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    # As cuDNN's recurrent layers compute, and not what is measured after this.
    before, torch.backends.cuda.matmul.allow_tf32 = torch.backends.cuda.matmul.allow_tf32, True
    try:
        return 2 * size**3 / seconds(lambda: a @ b)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
