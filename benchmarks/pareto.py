"""Measure how much of a front that is known by enumeration is found at 2 % of the calls.

    python benchmarks/pareto.py --seeds 1 2 3 4 5 --out benchmarks/results/pareto.json

The candidates are the 50,000 molecules of the demo set and nothing else, and two terms of each are seen only by a call,
so that the front is known: it is that of all molecules. A search begins with molecules drawn at random, within its
1,000 calls. It then has a Gaussian process for each term, the one of the `latent` search, and calls the molecules that
promise the largest hypervolume improvement. For comparison: calls at random, and the same search for the geometric mean
of the terms alone.
"""

import argparse
import gzip
import json
import os
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from random import Random

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from numpy.typing import NDArray

from molvae.chem.count_features import Features, features_of_smiles, take
from molvae.config import SurrogateConfig
from molvae.optimize.front import desirability_matrix
from molvae.optimize.objective import Objective
from molvae.optimize.pareto import draw_direction, hypervolume, is_non_dominated
from molvae.optimize.spec import ObjectiveSpec
from molvae.optimize.strategies.surrogate import Surrogates

DEMO = Path(__file__).parents[1] / "data" / "demo.smi.gz"
N_CALLS, N_START, BATCH = 1000, 100, 50
# Directions by which the hypervolume improvement is estimated, drawn anew in each round.
N_DIRECTIONS = 64
# Weight of the standard deviation in the upper confidence bound.
BETA = 0.1
# Molecules whose similarities to the called ones are in memory at a time.
BLOCK = 10_000
WAYS = ("random", "geometric mean", "pareto")

TASKS: dict[str, list[dict[str, object]]] = {
    "logp and tpsa": [
        {"property": "logp", "maximise": {"low": 0, "high": 6}},
        {"property": "tpsa", "maximise": {"low": 20, "high": 160}},
    ],
    "qed and sp3": [
        {"property": "qed"},
        {"property": "fraction_csp3"},
    ],
    "celecoxib and zolpidem": [
        {"name": "celecoxib", "similarity": {"to": "CC1=CC=C(C=C1)C1=CC(=NN1C1=CC=C(C=C1)S(N)(=O)=O)C(F)(F)F"}},
        {"name": "zolpidem", "similarity": {"to": "CN(C)C(=O)Cc1c(nc2ccc(C)cn12)-c1ccc(C)cc1"}},
    ],
}
"""Pairs of terms that pull against each other."""


def read_demo() -> list[str]:
    """Return the SMILES of the demo set."""
    with gzip.open(DEMO, "rt") as lines:
        return [line.split()[0] for line in lines]


def enumerate_front(terms: list[dict[str, object]], smiles: Sequence[str]) -> NDArray[np.float64]:
    """Return the desirabilities of all N molecules, float64 (N, 2)."""
    spec = ObjectiveSpec.model_validate({"name": "pair", "mean": "pareto", "terms": terms})
    objective = Objective(spec, DEMO.parent)
    return desirability_matrix(objective.evaluate_batch(smiles), objective)


def search(values: NDArray[np.float64], features: Features, seed: int, scalar: bool) -> Iterator[int]:
    """Yield the rows of the molecules that a search calls, in order.

    Args:
        values: What a call of each of N molecules gives, float64 (N, K); nothing else is read of it.
        features: Their structures.
        seed: Seed of the search.
        scalar: Whether to search for the geometric mean of the K terms alone.
    """
    rng = Random(seed)
    goals = np.sqrt(values.prod(axis=1, keepdims=True)) if scalar else values
    surrogates = Surrogates(SurrogateConfig(), seed, np.ones(goals.shape[1], dtype=bool))
    rows = rng.sample(range(len(goals)), N_START)
    called: list[int] = []
    while True:
        yield from rows
        surrogates.add(take(features, rows))
        called += rows
        if len(called) >= N_CALLS:
            return
        surrogates.fit(goals[called])
        rows = choose(*predict(surrogates, features), goals[called], called, rng)


def predict(surrogates: Surrogates, features: Features) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation for all molecules, float64 (N, K) each."""
    n = len(next(iter(features.values())))
    blocks = [surrogates.predict(take(features, slice(start, start + BLOCK))) for start in range(0, n, BLOCK)]
    return np.concatenate([mean for mean, _ in blocks]), np.concatenate([deviation for _, deviation in blocks])


def choose(
    mean: NDArray[np.float64],
    deviation: NDArray[np.float64],
    values: NDArray[np.float64],
    called: list[int],
    rng: Random,
) -> list[int]:
    """Return the rows of the next batch: one by one those of the largest hypervolume improvement.

    The improvement of an upper confidence bound is estimated by hypervolume scalarisations in random directions: the
    mean growth of the K-th power of the largest reach. What is chosen counts as if it came out as predicted.
    """
    directions = np.array([draw_direction(values.shape[1], rng) for _ in range(N_DIRECTIONS)])
    best = reach(values, directions).max(axis=0)
    hoped, expected = reach(mean + BETA * deviation, directions), reach(mean, directions)
    is_open = np.ones(len(mean), dtype=bool)
    is_open[called] = False
    chosen: list[int] = []
    for _ in range(BATCH):
        gain = np.clip(hoped - best, 0.0, None).sum(axis=1)
        # Where nothing promises an improvement, what comes nearest to one.
        gain = gain if gain[is_open].max() > 0.0 else (hoped - best).max(axis=1)
        row = int(np.where(is_open, gain, -np.inf).argmax())
        chosen.append(row)
        is_open[row] = False
        best = np.maximum(best, expected[row])
    return chosen


def reach(values: NDArray[np.float64], directions: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the K-th power of how far N points reach in L directions, float32 (N, L)."""
    above = np.clip(values, 0.0, 1.0).astype(np.float32)
    ratios = [above[:, [goal]] / directions[:, goal].astype(np.float32) for goal in range(values.shape[1])]
    return np.minimum.reduce(ratios) ** values.shape[1]


def measure(values: NDArray[np.float64], features: Features, way: str, seed: int) -> dict[str, object]:
    """Return how much of the front one search finds."""
    started = time.monotonic()
    if way == "random":
        rows = Random(seed).sample(range(len(values)), N_CALLS)
    else:
        rows = list(search(values, features, seed, scalar=way == "geometric mean"))
    assert len(set(rows)) == N_CALLS
    whole = hypervolume(values)
    return {
        "n_front": int(is_non_dominated(values).sum()),
        "hypervolume": whole,
        "fraction": {n: hypervolume(values[rows[:n]]) / whole for n in (100, 250, 500, N_CALLS)},
        "seconds": round(time.monotonic() - started, 1),
    }


def main() -> None:
    """Run the searches that are not done yet, and write a record for each."""
    parser = argparse.ArgumentParser(description="Measure how much of a known front is found at 2 % of the calls.")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--out", type=Path, required=True, help="JSON file for the records; those in it are kept")
    options = parser.parse_args()
    records = json.loads(options.out.read_text()) if options.out.exists() else []
    done = {(record["task"], record["way"], record["seed"]) for record in records}
    smiles = read_demo()
    features = features_of_smiles(smiles)
    values = {task: enumerate_front(TASKS[task], smiles) for task in options.tasks}
    for seed, task, way in product(options.seeds, options.tasks, options.ways):
        if (task, way, seed) in done:
            continue
        record = {"task": task, "way": way, "seed": seed, **measure(values[task], features, way, seed)}
        print(f"{task}, {way}, seed {seed}: {record['fraction'][N_CALLS]:.4f} in {record['seconds']} s", flush=True)
        records.append(record)
        options.out.write_text(json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    main()
