"""The benchmarks by name, and the table of their results."""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
from demo import processor
from measure import DEVICE, N_JOBS, ROOT, demo_smiles, matrix_product_flops, seconds
from memory import peak_memory
from others import PeerError
from score_speed import compared
from speed_table import LAST, Row, save
from vae_speed import bench_sample, bench_train
from workers import encode_only

from molvae.chem.fcd import chemnet_statistics
from molvae.chem.fingerprints import morgan_bits, nearest
from molvae.chem.reading import read_molecules
from molvae.parallel import map_chunks

MOSES = ROOT / "data" / "raw" / "moses"


def bench_prepare(library: Path | None = None) -> list[Row]:
    """Measure the rate of `molvae prepare` and the peak memory of all its processes.

    Without a library, the demo molecules are prepared, and then twenty times as many molecules derived from them; the
    rate is that of the rows that are more, so that the start of the program is no part of it.
    """
    with tempfile.TemporaryDirectory() as folder:
        if library is not None:
            whole = prepare(library, Path(folder))
            return [_prepare_row(f"prepare {whole.n:,} rows", whole.n / whole.seconds, library), _memory_row(whole)]
        few, many = Path(folder) / "few.smi", Path(folder) / "many.smi"
        smiles = demo_smiles(20_000)
        few.write_text("\n".join(smiles) + "\n")
        # Most of these are distinct valid molecules: the demo molecules with a few additional atoms.
        starts = [chain + end for chain in ["", "C", "CC", "CCC", "CCCC"] for end in ["", "N", "O", "S"]]
        many.write_text("".join(f"{start}{molecule}\n" for molecule in smiles for start in starts))
        small, large = prepare(few, Path(folder)), prepare(many, Path(folder))
        rate = (large.n - small.n) / (large.seconds - small.seconds)
        growth = large.peak / small.peak
        return [
            _prepare_row(f"prepare, rows {small.n:,} to {large.n:,}", rate, many),
            replace(_memory_row(large), limit="the peak for a 20th of the rows", ratio=growth),
        ]


class Prepared(NamedTuple):
    """Rows that were prepared, in how many seconds, and with which peak memory in bytes."""

    n: int
    seconds: float
    peak: int


def prepare(library: Path, folder: Path) -> Prepared:
    code = "from molvae.cli.main import run; run()"
    out = folder / f"out-{library.name}"
    command = [sys.executable, "-c", code, "prepare", str(library), "--out", str(out), "--threads", str(N_JOBS)]
    begin = time.perf_counter()
    with subprocess.Popen([*command, "--set", "prepare.max_rejected=1"], stderr=subprocess.DEVNULL) as process:
        peak = peak_memory(process)
    took = time.perf_counter() - begin
    return Prepared(json.loads((out / "summary.json").read_text())["read"], took, peak)


def _prepare_row(what: str, rate: float, library: Path) -> Row:
    """Return the row of a rate, relative to that of the conversion alone for some of the same molecules."""
    rows = [record.smiles for record in islice(read_molecules(library), 400_000)]
    smiles = random.Random(1).sample(rows, min(len(rows), 20_000))
    encode = len(smiles) / seconds(lambda: list(map_chunks(encode_only, smiles, N_JOBS)), repeats=1)
    return Row(what, rate, "molecules/s", f"selfies.encoder alone, {N_JOBS} processes", rate / encode)


def _memory_row(prepared: Prepared) -> Row:
    return Row("  peak memory of prepare", prepared.peak / 2**20, "MiB")


def bench_score() -> list[Row]:
    smiles = demo_smiles(22_000)
    query, reference = morgan_bits(smiles[:2_000]), morgan_bits(smiles[2_000:])
    took = seconds(lambda: nearest(query, reference))
    pairs = len(query) * len(reference) / took
    # A similarity is a dot product of 1,024 bits, two operations each.
    ratio = 2 * 1024 * pairs / matrix_product_flops(torch.device("cpu"))
    fcd = seconds(lambda: chemnet_statistics(smiles[:1_000], 1), repeats=1)
    return [
        Row("nearest neighbour", pairs / 1e6, "million pairs/s", "matrix product, same precision", ratio),
        Row("ChemNet, one process", 1_000 / fcd, "molecules/s"),
    ]


def bench_moses(folder: Path = MOSES) -> Iterator[Row | str]:
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
    where = {"processor": processor(), "device": DEVICE.type, "n_cores": N_JOBS, "torch": torch.__version__}
    print(", ".join(f"{name}: {value}" for name, value in where.items()))
    rows: list[Row] = []
    failed = False
    for name, path in chosen:
        try:
            for row in BENCHMARKS[name](*([Path(path)] if path else [])):
                rows += [row] if isinstance(row, Row) else []
                print(row.line() if isinstance(row, Row) else row, flush=True)
        # The others can be measured all the same.
        except PeerError as error:
            failed = True
            print(error, flush=True)
    save(rows, where, LAST)
    if failed:
        sys.exit(1)
