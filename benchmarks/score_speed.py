"""Time scoring 30,000 molecules by the MOSES metrics, against both test sets, with molvae and the MOSES package."""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measure import PEERS
from memory import peak_memory
from others import run_other
from speed_table import Row

from molvae.chem.reading import read_molecules

N_SAMPLES = 30_000


def compared(folder: Path, n_jobs: int) -> Iterator[Row | str]:
    """Yield the row of scoring, and a line for the reference statistics and for each metric of the package.

    `folder` contains train, test and test_scaffolds as .csv or .csv.gz.
    """
    sets = {name: next(folder.glob(f"{name}.csv*")) for name in ("train", "test", "test_scaffolds")}
    train = [record.smiles for record in read_molecules(sets["train"])]
    with tempfile.TemporaryDirectory() as work:
        samples, training = Path(work) / "samples.smi", Path(work) / "train.smi"
        # Typical molecules for the package: a subset of its training set.
        samples.write_text("".join(f"{smiles}\n" for smiles in random.Random(1).sample(train, N_SAMPLES)))
        training.write_text("\n".join(train))
        options = [f"--{name.replace('_', '-')}={path}" for name, path in sets.items()]
        first, _ = score(samples, options, Path(work), n_jobs)
        took, peak = score(samples, options, Path(work), n_jobs)
        yield f"reference statistics, once        {first - took:>10,.0f} s"
        yield f"molvae score, all outputs        {took:>10,.0f} s   peak memory {peak / 2**20:,.0f} MiB"
        if not PEERS.exists():
            yield "The MOSES package is not installed, so there is no comparison; `make bench` installs it."
            return
        environment = {"MOLVAE_CACHE": str(Path(work) / "cache")}
        ours = run_other("moses_ours.py", [samples, sets["test"], sets["test_scaffolds"]], n_jobs, environment)
        environment = {"PYTHONPATH": str(PEERS), "PYTHONWARNINGS": "ignore"}
        peer = run_other("moses_peer.py", [samples, training], n_jobs, environment)
        values = json.loads((Path(work) / "out" / "metrics.json").read_text())["moses"]
        yield f"MOSES package, all metrics       {peer['total']:>10,.0f} s"
        rate = N_SAMPLES / ours["total"]
        yield Row("all MOSES metrics of 30,000", rate, "molecules/s", "MOSES package", peer["total"] / ours["total"])
        yield "Each metric below is timed separately, including starting processes and parsing SMILES."
        yield f"{'metric':<14}{'package, s':>12}{'molvae, s':>12}{'package':>14}{'molvae':>14}"
        for name, seconds in peer["seconds"].items():
            own = f"{ours['seconds'][name]:.1f}" if name in ours["seconds"] else ""
            both = peer["values"][name], values[name]["value"]
            yield f"{name:<14}{seconds:>12,.1f}{own:>12}{both[0]:>14.6f}{both[1]:>14.6f}"


def score(samples: Path, options: list[str], work: Path, n_jobs: int) -> tuple[float, int]:
    """Run `molvae score` and return its time in seconds and the peak memory of all its processes in bytes."""
    code = "from molvae.cli.main import run; run()"
    command = [sys.executable, "-c", code, "score", str(samples), *options, "--cpu", "--threads", str(n_jobs)]
    environment = os.environ | {"MOLVAE_CACHE": str(work / "cache")}
    begin = time.perf_counter()
    with subprocess.Popen(
        [*command, "--out", str(work / "out")], stderr=subprocess.DEVNULL, env=environment
    ) as process:
        peak = peak_memory(process)
    if process.returncode:
        sys.exit(f"expected `molvae score` to succeed, found exit status {process.returncode}")
    return time.perf_counter() - begin, peak
