"""Shared by the benchmarks: the device, molecules, timing, the limit of the hardware, and a row of the table."""

import gzip
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from molvae.chem.selfies_codec import smiles_to_selfies
from molvae.nn.device import choose_device, gains_from_bfloat16, set_threads
from molvae.nn.tokens import TokenStore
from molvae.vocabulary import Vocabulary

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv" / "peers"
DEVICE = choose_device()
N_JOBS = set_threads(None)


@dataclass(frozen=True)
class Row:
    """One row of the table; `ratio` is the rate divided by that of `limit`."""

    what: str
    rate: float
    unit: str
    limit: str = ""
    ratio: float = float("nan")

    def line(self) -> str:
        """Return the row as printed."""
        ratio = "" if np.isnan(self.ratio) else f"{self.ratio:7.1%}" if self.ratio < 2 else f"{self.ratio:6.1f}x"
        return f"{self.what:<40}{self.rate:>10,.0f} {self.unit:<16}{ratio:>7} {self.limit}".rstrip()


def demo_smiles(n: int) -> list[str]:
    with gzip.open(ROOT / "data" / "demo.smi.gz", "rt") as lines:
        return [line.split()[0] for line in islice(lines, n)]


def demo_store(n: int) -> tuple[TokenStore, Vocabulary]:
    encoded = [text for text in map(smiles_to_selfies, demo_smiles(n)) if text]
    vocabulary = Vocabulary.from_selfies(encoded)
    return TokenStore.from_selfies(encoded, vocabulary), vocabulary


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


def matrix_product_flops() -> float:
    """Return the floating-point operations per second of a large matrix product at the precision of the training."""
    size = 8192 if DEVICE.type == "cuda" else 2048
    dtype = torch.bfloat16 if gains_from_bfloat16(DEVICE) else torch.float32
    a, b = (torch.randn(size, size, device=DEVICE).to(dtype) for _ in range(2))
    return 2 * size**3 / seconds(lambda: a @ b)
