"""Measure how fast the parts are, each against a limit or a peer that is measured in the same run.

    make bench                                  # all
    python benchmarks/run.py train decode       # some

Machines are shared and noisy: the ratios mean more than the figures.
"""

import gzip
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

# As in the workflow: threads that wait sleep.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import selfies
import torch

from molvae.chem.fcd import chemnet_statistics
from molvae.chem.fingerprints import morgan_bits, nearest
from molvae.chem.parallel import map_chunks
from molvae.chem.selfies_codec import smiles_to_selfies
from molvae.chem.vocabulary import Vocabulary
from molvae.config import PrepareConfig, TrainConfig
from molvae.nn.device import autocast, choose_device, gains_from_bfloat16, set_threads
from molvae.nn.tokens import TokenStore, length_bucketed
from molvae.nn.vae import VAE, LossWeights
from molvae.prepare import prepare
from molvae.train.optimizers import make_optimizers

DEMO = Path(__file__).parents[1] / "data" / "demo.smi.gz"
DEVICE = choose_device()
N_JOBS = set_threads(None)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    rate: float
    unit: str
    limit: str
    share: float


def demo_smiles(n: int) -> list[str]:
    with gzip.open(DEMO, "rt") as lines:
        return [line.split()[0] for line in islice(lines, n)]


def demo_store(n: int) -> tuple[TokenStore, Vocabulary]:
    encoded = [text for text in map(smiles_to_selfies, demo_smiles(n)) if text]
    vocabulary = Vocabulary.from_selfies(encoded)
    return TokenStore.from_selfies(encoded, vocabulary), vocabulary


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the shortest time of a few runs, after one to warm up."""
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
    return min(times)


def matrix_product_flops() -> float:
    """Return the floating-point operations a second of a large matrix product in the training's number format."""
    size = 8192 if DEVICE.type == "cuda" else 2048
    dtype = torch.bfloat16 if gains_from_bfloat16(DEVICE) else torch.float32
    a, b = (torch.randn(size, size, device=DEVICE).to(dtype) for _ in range(2))
    return 2 * size**3 / seconds(lambda: a @ b)


def dense_flops_per_token(vae: VAE, code_dropout: float) -> float:
    """Return the operations of the dense weights in forward and backward, for a token (6 a weight)."""
    encoder = sum(w.numel() for name, w in vae.encoder.named_parameters() if "weight" in name and "layers" in name)
    decoder = sum(w.numel() for name, w in vae.decoder.named_parameters() if "weight" in name and "layers" in name)
    return 6 * ((1 - code_dropout) * encoder + decoder + vae.decoder.output.weight.numel())


def bench_train() -> list[Row]:
    store, vocabulary = demo_store(20_000)
    config = TrainConfig()
    vae = VAE(config, len(vocabulary)).to(DEVICE)
    optimizers = make_optimizers(vae, config)
    batches = length_bucketed(store.lengths, config.batch_size, np.random.default_rng(0))[:30]

    def some_steps() -> None:
        for rows in batches:
            token_ids, lengths = store.batch(rows, DEVICE)
            with autocast(DEVICE, config.precision):
                loss = vae.loss(token_ids, lengths, LossWeights(0.05), config.code_dropout)
            vae.zero_grad()
            loss.total.backward()
            torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
            for optimizer in optimizers:
                optimizer.step()

    rate = sum(int(store.lengths[rows].sum()) for rows in batches) / seconds(some_steps)
    share = rate * dense_flops_per_token(vae, config.code_dropout) / matrix_product_flops()
    return [Row("training step", rate, "tokens/s", "matrix product, same number format", share)]


def bench_decode() -> list[Row]:
    _, vocabulary = demo_store(2_000)
    config = TrainConfig()
    vae = VAE(config, len(vocabulary)).to(DEVICE).eval()
    z = torch.randn(1024, config.latent_dim, device=DEVICE)
    n_steps = 40
    took = seconds(lambda: vae.decoder.generate(z, n_steps))
    weights = sum(w.numel() for name, w in vae.decoder.named_parameters() if "weight_hh" in name)
    # An untrained decoder seldom ends, so that all rows take all steps; what it must multiply is W h, twice a weight.
    a, b = torch.randn(2048, 2048, device=DEVICE), torch.randn(2048, 2048, device=DEVICE)
    limit = 2 * 2048**3 / seconds(lambda: a @ b)
    return [
        Row(
            "greedy decoding",
            1024 / took,
            "molecules/s",
            "float32 matrix product",
            2 * weights * 1024 * n_steps / took / limit,
        )
    ]


def bench_prepare() -> list[Row]:
    smiles = demo_smiles(20_000)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "molecules.smi"
        source.write_text("\n".join(smiles))
        work = partial(prepare, [source], Path(folder) / "out", PrepareConfig(), seed=1, n_jobs=N_JOBS)
        took = seconds(work, repeats=1)
    peer = seconds(lambda: list(map_chunks(encode_only, smiles, N_JOBS)), repeats=1)
    return [
        Row("prepare", len(smiles) / took, "molecules/s", f"selfies.encoder alone, {N_JOBS} processes", peer / took)
    ]


def encode_only(smiles: list[str]) -> list[str]:
    return [selfies.encoder(each) for each in smiles]


def bench_score() -> list[Row]:
    smiles = demo_smiles(22_000)
    query, reference = morgan_bits(smiles[:2_000]), morgan_bits(smiles[2_000:])
    took = seconds(lambda: nearest(query, reference))
    pairs = len(query) * len(reference) / took
    # A similarity is a dot product of 1,024 bits, two operations each.
    share = 2 * 1024 * pairs / matrix_product_flops()
    fcd = seconds(lambda: chemnet_statistics(smiles[:1_000], 1), repeats=1)
    return [
        Row("nearest neighbour", pairs / 1e6, "million pairs/s", "matrix product, same number format", share),
        Row("ChemNet, one process", 1_000 / fcd, "molecules/s", "none", float("nan")),
    ]


BENCHMARKS = {"train": bench_train, "decode": bench_decode, "prepare": bench_prepare, "score": bench_score}


def main(names: list[str]) -> None:
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"expected some of {', '.join(BENCHMARKS)}, found {', '.join(sorted(unknown))}")
    print(f"{DEVICE}, {N_JOBS} threads, torch {torch.__version__}")
    print(f"{'what':<22}{'rate':>12} {'unit':<16}{'share':>7} of")
    for name in names or BENCHMARKS:
        for row in BENCHMARKS[name]():
            share = "" if np.isnan(row.share) else f"{row.share:7.1%}"
            print(f"{row.what:<22}{row.rate:>12,.0f} {row.unit:<16}{share:>7} {row.limit}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
