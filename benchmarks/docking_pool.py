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
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.count_features import Features, join, take
from molvae.chem.fingerprints import PackedBits, pack_morgan, stack_packed
from molvae.parallel import cpus_to_use, map_chunks
from molvae.propose.gaussian_process import GaussianProcess
from molvae.propose.kernels import plate_features
from molvae.propose.plate import best_first, choose
from molvae.propose.rows import N_BITS
from molvae.propose.stage import n_candidates
from molvae.seeding import numpy_generator

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
    parts = list(map_chunks(described, table["smiles"].tolist(), cpus_to_use(options.threads)))
    features, bits = join([part for part, _ in parts]), np.concatenate([part for _, part in parts])
    print(f"{len(values)} molecules described in {time.monotonic() - start:.0f} s", flush=True)
    is_hit = values >= np.sort(values)[-round(FRACTION * len(values))]
    curves = []
    for seed in range(1, options.seeds + 1):
        start = time.monotonic()
        curves.append(fractions_found(features, bits, values, is_hit, options.batches, seed))
        shares = " ".join(f"{share:.3f}" for share in curves[-1])
        print(f"seed {seed}: {shares} of {is_hit.sum()} hits, {time.monotonic() - start:.0f} s", flush=True)
    final = np.array(curves)[:, -1]
    print(f"mean {final.mean():.3f}, standard deviation {final.std(ddof=1):.3f}")
    if options.out is not None:
        options.out.write_text(json.dumps({"n_hits": int(is_hit.sum()), "found": curves}, indent=2) + "\n")


def described(smiles: list[str]) -> tuple[Features, PackedBits]:
    """Compute what the choice needs of some molecules."""
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    return plate_features(mols), stack_packed([pack_morgan(mol, N_BITS) for mol in mols], N_BITS)


def fractions_found(
    features: Features,
    bits: PackedBits,
    values: NDArray[np.float64],
    is_hit: NDArray[np.bool_],
    n_batches: int,
    seed: int,
) -> list[float]:
    """Return the fraction of the hits that is measured after the random molecules, and after each batch."""
    n = round(FRACTION * len(values))
    rows = numpy_generator(seed, "docking pool").permutation(len(values))[:n]
    fractions = [float(is_hit[rows].sum() / is_hit.sum())]
    for _ in range(n_batches):
        process = GaussianProcess(take(features, rows), values[rows], seed)
        mean = process.mean(features)
        mean[rows] = -np.inf
        best = best_first(mean)[: n_candidates(n)]
        chosen = choose(bits[best], *process.predict(take(features, best)), n)
        rows = np.concatenate([rows, best[[choice.row for choice in chosen]]])
        fractions.append(float(is_hit[rows].sum() / is_hit.sum()))
    return fractions


if __name__ == "__main__":
    main()
