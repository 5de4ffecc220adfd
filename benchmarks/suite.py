"""The benchmarks by name, and the table of their results."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from measure import DEVICE, N_JOBS, ROOT, Row, demo_smiles, matrix_product_flops, seconds
from memory import peak_memory
from score_speed import compared
from vae_speed import bench_sample, bench_train
from workers import encode_only

from molvae.chem.fcd import chemnet_statistics
from molvae.chem.fingerprints import morgan_bits, nearest
from molvae.chem.reading import read_molecules
from molvae.parallel import map_chunks

MOSES = ROOT / "data" / "raw" / "moses"


def bench_prepare(library: Path | None = None) -> list[Row]:
    """Measure the rate of `molvae prepare` and the peak memory of all its processes.

    Without a library, the demo molecules are prepared, and then twenty times as many molecules derived from them.
    """
    with tempfile.TemporaryDirectory() as folder:
        if library is not None:
            return prepare_rows(library, Path(folder))
        few, many = Path(folder) / "few.smi", Path(folder) / "many.smi"
        smiles = demo_smiles(20_000)
        few.write_text("\n".join(smiles) + "\n")
        # Most of these are distinct valid molecules: the demo molecules with a few additional atoms.
        starts = [chain + end for chain in ["", "C", "CC", "CCC", "CCCC"] for end in ["", "N", "O", "S"]]
        many.write_text("".join(f"{start}{molecule}\n" for molecule in smiles for start in starts))
        rows, large = prepare_rows(few, Path(folder)), prepare_rows(many, Path(folder))
        growth = large[-1].rate / rows[-1].rate
        return [*rows, *large[:-1], replace(large[-1], limit="the peak for a 20th of the rows", ratio=growth)]


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
        Row("  peak memory", peak / 2**20, "MiB"),
    ]


def bench_score() -> list[Row]:
    smiles = demo_smiles(22_000)
    query, reference = morgan_bits(smiles[:2_000]), morgan_bits(smiles[2_000:])
    took = seconds(lambda: nearest(query, reference))
    pairs = len(query) * len(reference) / took
    # A similarity is a dot product of 1,024 bits, two operations each.
    ratio = 2 * 1024 * pairs / matrix_product_flops()
    fcd = seconds(lambda: chemnet_statistics(smiles[:1_000], 1), repeats=1)
    return [
        Row("nearest neighbour", pairs / 1e6, "million pairs/s", "matrix product, same precision", ratio),
        Row("ChemNet, one process", 1_000 / fcd, "molecules/s"),
    ]


def bench_moses(folder: Path = MOSES) -> Iterator[str]:
    """Time scoring with the sample size of the MOSES metrics, with molvae and the MOSES package."""
    if not list(folder.glob("test_scaffolds.csv*")):
        return iter([f"moses: skipped, because the train, test and test_scaffolds .csv files are not in {folder}"])
    return compared(folder, N_JOBS)


BENCHMARKS: dict[str, Callable[..., Iterable[Row | str]]] = {
    "train": bench_train,
    "sample": bench_sample,
    "prepare": bench_prepare,
    "score": bench_score,
    "moses": bench_moses,
}
WITH_PATH = ("prepare", "moses")


def main(arguments: list[str]) -> None:
    chosen = [argument.partition("=")[::2] for argument in arguments] or [(name, "") for name in BENCHMARKS]
    unknown = {name for name, path in chosen if name not in (WITH_PATH if path else BENCHMARKS)}
    if unknown:
        sys.exit(f"expected some of {', '.join(BENCHMARKS)}, found {', '.join(sorted(unknown))}")
    print(f"{DEVICE}, {N_JOBS} threads, torch {torch.__version__}")
    print(f"{'benchmark':<40}{'rate':>10} {'unit':<16}{'ratio':>7} to")
    for name, path in chosen:
        for row in BENCHMARKS[name](*([Path(path)] if path else [])):
            print(row if isinstance(row, str) else row.line(), flush=True)
