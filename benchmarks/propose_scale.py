"""Time and peak memory of `molvae propose` on a pool of millions of rows.

    python benchmarks/propose_scale.py moses_train.csv.gz zinc250k.smi.gz --rows 2000000

The pool holds the molecules of the files, and then them again with one or two atoms put before their SMILES, which
some strings do not survive, until there are enough rows. 500 of them count as measured, with their QED as value.
"""

import argparse
import csv
import gzip
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count, cycle, islice
from pathlib import Path

import numpy as np
import pandas as pd
from memory import peak_memory

from molvae.chem.descriptors import compute_properties
from molvae.chem.reading import read_molecules
from molvae.parallel import available_cpus

PREFIXES = ("C", "CC", "F", "O", "N", "Cl", "CO", "CN")
N_MEASURED = 500


def main() -> None:
    """Write the pool, run the command, and print seconds and bytes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--n", type=int, default=96)
    parser.add_argument("--threads", type=int, default=available_cpus())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pool, measured, plate = (Path(folder) / name for name in ("pool.csv.gz", "measured.csv", "plate.csv"))
        with gzip.open(pool, "wt", compresslevel=1, newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["smiles", "id"])
            writer.writerows(islice(rows(options.files), options.rows))
        write_measured(options.files[0], measured)
        command = ["propose", "zinc250k", "--measured", measured, "--column", "qed", "--pool", pool, "--out", plate]
        begin = time.monotonic()
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "molvae",
                *map(str, command),
                "--n",
                str(options.n),
                "--threads",
                str(options.threads),
            ]
        )
        peak = peak_memory(process)
        seconds = time.monotonic() - begin
        chosen = compute_properties(pd.read_csv(plate)["smiles"].tolist(), ["qed"])["qed"]
        print(f"{options.rows:,} rows: {seconds:.0f} s on {options.threads} cores, at most {peak / 1e9:.2f} GB")
        print(f"mean QED of the plate {chosen.mean():.3f}, of the measured {pd.read_csv(measured)['qed'].mean():.3f}")


def rows(files: list[Path]) -> Iterator[tuple[str, int]]:
    """Yield SMILES and numbers without end: the molecules, and then changed ones."""
    number = count(1)
    for file in files:
        for record in read_molecules(file):
            yield record.smiles, next(number)
    for prefix in cycle(PREFIXES):
        for file in files:
            for record in read_molecules(file):
                yield prefix + record.smiles, next(number)


def write_measured(file: Path, out: Path) -> None:
    """Write the QED of some molecules of a file."""
    smiles = [record.smiles for record in islice(read_molecules(file), 20 * N_MEASURED)]
    chosen = np.random.default_rng(1).choice(smiles, N_MEASURED, replace=False).tolist()
    pd.DataFrame({"smiles": chosen, "qed": compute_properties(chosen, ["qed"])["qed"]}).to_csv(out, index=False)


if __name__ == "__main__":
    main()
