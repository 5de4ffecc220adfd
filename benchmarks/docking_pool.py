"""How many of the best molecules of a pool with hidden values `molvae propose --pool` finds.

    python benchmarks/docking_pool.py pool.csv.gz

1 % of the pool is drawn at random and measured, then five batches of 1 % are chosen one after the other, each with the
values of those before. A hit is as good as the best 1 % of the pool, ties included.

References:
    Graff, Shakhnovich and Coley, Accelerating high-throughput virtual screening through molecular pool-based active
    learning, Chemical Science 2021, doi:10.1039/D0SC06805E.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from hidden_pool import HiddenPool, by_propose

from molvae.parallel import cpus_to_use

FRACTION = 0.01
"""Of the pool: what is drawn at random, what is in a batch, and what counts as hits."""


def main() -> None:
    """Run the benchmark and print a line a seed, and the mean."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pool", type=Path, help="table with the columns smiles and score")
    parser.add_argument("--column", default="score")
    parser.add_argument("--maximise", action="store_true", help="higher values are better")
    parser.add_argument("--batches", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    options = parser.parse_args()
    table = pd.read_csv(options.pool)
    values = table[options.column].to_numpy(np.float64) * (1.0 if options.maximise else -1.0)
    start = time.monotonic()
    pool = HiddenPool.of(table["smiles"].tolist(), values, cpus_to_use(options.threads))
    print(f"{len(values)} molecules described in {time.monotonic() - start:.0f} s", flush=True)
    n = round(FRACTION * len(values))
    is_hit = values >= np.sort(values)[-n]
    curves = []
    for seed in range(1, options.seeds + 1):
        start = time.monotonic()
        batches = pool.measured_in(by_propose, n, options.batches, seed)
        curves.append((np.cumsum([is_hit[rows].sum() for rows in batches]) / is_hit.sum()).tolist())
        shares = " ".join(f"{share:.3f}" for share in curves[-1])
        print(f"seed {seed}: {shares} of {is_hit.sum()} hits, {time.monotonic() - start:.0f} s", flush=True)
    final = np.array(curves)[:, -1]
    print(f"mean {final.mean():.3f}, standard deviation {final.std(ddof=1):.3f}")
    if options.out is not None:
        options.out.write_text(json.dumps({"n_hits": int(is_hit.sum()), "found": curves}, indent=2) + "\n")


if __name__ == "__main__":
    main()
