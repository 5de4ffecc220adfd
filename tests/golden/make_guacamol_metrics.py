"""Remake `guacamol_metrics.json`: what the GuacaMol package itself gives for `guacamol_molecules.csv`.

Needs guacamol 0.5.5, whose own requirements no longer install:

    pip install --no-deps --target /tmp/guacamol guacamol==0.5.5 tqdm
    PYTHONPATH=/tmp/guacamol python tests/golden/make_guacamol_metrics.py
"""

import json
from pathlib import Path
from typing import Any

import numpy
import pandas as pd
import scipy

HERE = Path(__file__).parent
# The benchmark's is 10,000.
NUMBER_SAMPLES = 150


def make_importable() -> None:
    """Give guacamol what it expects of an old SciPy."""
    scipy.histogram = numpy.histogram


def measure(samples: list[str], training: list[str], number_samples: int) -> dict[str, Any]:
    """Run the five benchmarks on a model that gives the samples in order, to each of them from the start."""
    from guacamol.distribution_learning_benchmark import (
        KLDivBenchmark,
        NoveltyBenchmark,
        UniquenessBenchmark,
        ValidityBenchmark,
    )
    from guacamol.frechet_benchmark import FrechetBenchmark

    class InOrder:
        def __init__(self) -> None:
            self.given = 0

        def generate(self, number_samples: int) -> list[str]:
            self.given += number_samples
            return samples[self.given - number_samples : self.given]

    benchmarks = {
        "validity": ValidityBenchmark(number_samples),
        "uniqueness": UniquenessBenchmark(number_samples),
        "novelty": NoveltyBenchmark(number_samples, training),
        "kl_divergence": KLDivBenchmark(number_samples, training),
        "fcd": FrechetBenchmark(training, "ChemNet_v0.13_pretrained.pt", number_samples),
    }
    results = {name: benchmark.assess_model(InOrder()) for name, benchmark in benchmarks.items()}
    return {
        "scores": {name: float(result.score) for name, result in results.items()},
        "divergences": {name: float(value) for name, value in results["kl_divergence"].metadata["kl_divs"].items()},
        "fcd": float(results["fcd"].metadata["FCD"]),
    }


if __name__ == "__main__":
    make_importable()
    molecules = pd.read_csv(HERE / "guacamol_molecules.csv", keep_default_na=False)
    sets = {name: group["smiles"].tolist() for name, group in molecules.groupby("set")}
    measured = measure(sets["generated"], sets["train"], NUMBER_SAMPLES)
    content = {"number_samples": NUMBER_SAMPLES, **measured}
    (HERE / "guacamol_metrics.json").write_text(json.dumps(content, indent=2) + "\n")
