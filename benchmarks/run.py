"""Measure how fast the parts are, each against a limit or a peer that is measured in the same run.

    make bench                                  # all
    python benchmarks/run.py train decode       # some
    python benchmarks/run.py prepare=train.csv.gz   # on a library of your own
    python benchmarks/run.py moses=data/raw/moses   # scoring, beside the MOSES package, on the benchmark's own sets

Machines are shared and noisy: the ratios mean more than the figures.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

# As in the workflow: threads that wait sleep.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import selfies
import torch
from memory import peak_memory
from score_speed import compared

from molvae.chem.fcd import chemnet_statistics
from molvae.chem.fingerprints import morgan_bits, nearest
from molvae.chem.parallel import map_chunks
from molvae.chem.reading import read_molecules
from molvae.chem.selfies_codec import smiles_to_selfies
from molvae.chem.vocabulary import Vocabulary
from molvae.config import TrainConfig
from molvae.nn.batch import Batch
from molvae.nn.device import autocast, choose_device, gains_from_bfloat16, set_threads
from molvae.nn.tokens import TokenStore, length_bucketed
from molvae.nn.vae import VAE, LossWeights
from molvae.train.optimizers import make_optimizers

DATA = Path(__file__).parents[1] / "data"
DEMO, MOSES = DATA / "demo.smi.gz", DATA / "raw" / "moses"
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

    def line(self) -> str:
        """Return it as it is printed."""
        share = "" if np.isnan(self.share) else f"{self.share:7.1%}"
        return f"{self.what:<26}{self.rate:>12,.0f} {self.unit:<16}{share:>7} {self.limit}"


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
            batch = Batch.draw(*store.batch(rows, DEVICE), config.latent_dim, config.code_dropout)
            with autocast(DEVICE, config.precision):
                loss = vae.loss(batch, LossWeights(0.05))
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


def bench_prepare(library: Path | None = None) -> list[Row]:
    """Measure preparation as people start it: its rate, and the memory of all its processes.

    Without a library of the user's, the demo's molecules are prepared, and then twenty times as many made from them.
    """
    with tempfile.TemporaryDirectory() as folder:
        if library is not None:
            return prepare_rows(library, Path(folder))
        few, many = Path(folder) / "few.smi", Path(folder) / "many.smi"
        smiles = demo_smiles(20_000)
        few.write_text("\n".join(smiles) + "\n")
        # Most of these are molecules, and different ones: the demo's with a few atoms more.
        starts = [chain + end for chain in ["", "C", "CC", "CCC", "CCCC"] for end in ["", "N", "O", "S"]]
        many.write_text("".join(f"{start}{each}\n" for each in smiles for start in starts))
        rows, large = prepare_rows(few, Path(folder)), prepare_rows(many, Path(folder))
        growth = large[-1].rate / rows[-1].rate
        return [*rows, *large[:-1], replace(large[-1], limit="the peak at a 20th of the rows", share=growth)]


def prepare_rows(library: Path, folder: Path) -> list[Row]:
    smiles = [record.smiles for record in islice(read_molecules(library), 20_000)]
    code = "from molvae.cli.main import run; run()"
    out = folder / f"out-{library.name}"
    command = [sys.executable, "-c", code, "prepare", str(library), "--out", str(out), "--threads", str(N_JOBS)]
    begin = time.perf_counter()
    with subprocess.Popen([*command, "--set", "prepare.max_rejected=1"], stderr=subprocess.DEVNULL) as process:
        peak = peak_memory(process)
    took = time.perf_counter() - begin
    n_rows = json.loads((out / "summary.json").read_text())["read"]
    encode = seconds(lambda: list(map_chunks(encode_only, smiles, N_JOBS)), repeats=1)
    peer = f"selfies.encoder alone, {N_JOBS} processes"
    return [
        Row(f"prepare {n_rows:,} rows", n_rows / took, "molecules/s", peer, n_rows / took * encode / len(smiles)),
        Row("  peak memory", peak / 2**20, "MiB", "none", float("nan")),
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


def bench_moses(folder: Path = MOSES) -> Iterator[str]:
    """Time scoring at the size that the MOSES metrics are defined for, and the MOSES package on the same."""
    if not list(folder.glob("test_scaffolds.csv*")):
        return iter([f"moses: the benchmark's train, test and test_scaffolds .csv files are not in {folder}"])
    return compared(folder, N_JOBS)


BENCHMARKS: dict[str, Callable[..., Iterable[Row | str]]] = {
    "train": bench_train,
    "decode": bench_decode,
    "prepare": bench_prepare,
    "score": bench_score,
    "moses": bench_moses,
}
OF_FILES = ("prepare", "moses")


def main(arguments: list[str]) -> None:
    chosen = [argument.partition("=")[::2] for argument in arguments] or [(name, "") for name in BENCHMARKS]
    unknown = {name for name, path in chosen if name not in (OF_FILES if path else BENCHMARKS)}
    if unknown:
        sys.exit(f"expected some of {', '.join(BENCHMARKS)}, found {', '.join(sorted(unknown))}")
    print(f"{DEVICE}, {N_JOBS} threads, torch {torch.__version__}")
    print(f"{'what':<26}{'rate':>12} {'unit':<16}{'share':>7} of")
    for name, path in chosen:
        for row in BENCHMARKS[name](*([Path(path)] if path else [])):
            print(row if isinstance(row, str) else row.line(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
