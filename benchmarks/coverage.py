"""How many held-out values the 80 % intervals of a learned model cover, with whole scaffolds held out.

    python benchmarks/coverage.py freewilson enamine10k_docking.csv.gz=score=1000

Each set is FILE=COLUMN, or FILE=COLUMN=N for a random N of its molecules; `freewilson` is the series of 1,017 aryl
sulfonamides that RDKit ships. A fifth of the scaffolds is held out at a
time; everything that `molvae learn` does, its own cross-validation included, sees the others alone.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rdkit import RDConfig

from molvae.learned import Measurements, fit, read_measurements
from molvae.learned.validation import make_folds
from molvae.seeding import numpy_generator

COVERAGE, SEED = 0.8, 1


@dataclass(frozen=True)
class Row:
    """What came of one set: molecules, fraction covered, that of each fold, RMSE, R2, mean width, fraction inside."""

    n: int
    covered: float
    by_fold: list[float]
    rmse: float
    r2: float
    width: float
    covered_inside: float
    inside: float


def freewilson() -> Measurements:
    """Return the series that RDKit ships."""
    folder = Path(RDConfig.RDContribDir) / "FreeWilson" / "data"
    activities = dict(line.split(",") for line in (folder / "CHEMBL2321810_act.csv").read_text().splitlines())
    molecules = [line.split() for line in (folder / "CHEMBL2321810.smi").read_text().splitlines()]
    with TemporaryDirectory() as temporary:
        file = Path(temporary) / "series.csv"
        rows = [f"{smiles},{activities[name]}" for smiles, name in molecules]
        file.write_text("\n".join(["smiles,pAct", *rows]))
        return read_measurements(file, "pAct")


def subset(measurements: Measurements, rows: np.ndarray) -> Measurements:
    """Return the measurements of some of the molecules."""
    smiles = [measurements.smiles[row] for row in rows]
    return Measurements(measurements.column, smiles, measurements.values[rows], measurements.n_repeats[rows])


def measure(measurements: Measurements) -> Row:
    """Hold out each fold of scaffolds in turn."""
    folds = make_folds(measurements.smiles, SEED + 100)["scaffold"]
    covered, inside = np.zeros(len(measurements), dtype=bool), np.zeros(len(measurements), dtype=bool)
    mean, width = np.zeros(len(measurements)), np.zeros(len(measurements))
    for fold in np.unique(folds):
        held = np.flatnonzero(folds == fold)
        learned = fit(subset(measurements, np.flatnonzero(folds != fold)), seed=SEED)
        prediction = learned.predict([measurements.smiles[row] for row in held], COVERAGE)
        actual = measurements.values[held]
        covered[held] = (prediction.low <= actual) & (actual <= prediction.high)
        inside[held] = prediction.in_domain
        mean[held], width[held] = prediction.mean, prediction.high - prediction.low
    errors = mean - measurements.values
    return Row(
        n=len(measurements),
        covered=float(covered.mean()),
        by_fold=[float(covered[folds == fold].mean()) for fold in np.unique(folds)],
        rmse=float(np.sqrt(np.mean(errors**2))),
        r2=float(1 - np.mean(errors**2) / np.var(measurements.values)),
        width=float(width.mean()),
        covered_inside=float(covered[inside].mean()),
        inside=float(inside.mean()),
    )


def main() -> None:
    """Print a row of a Markdown table for each set."""
    parser = argparse.ArgumentParser(description="Coverage of 80 % intervals on held-out scaffolds.")
    parser.add_argument("sets", nargs="+", metavar="FILE=COLUMN[=N]")
    print("| set | n | covered | by fold | RMSE | R2 | mean width | in domain | covered there |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for text in parser.parse_args().sets:
        file, column, *n = [*text.split("="), "pAct"] if text == "freewilson" else text.split("=")
        measurements = freewilson() if text == "freewilson" else read_measurements(Path(file), column)
        if n:
            chosen = numpy_generator(SEED, "coverage").permutation(len(measurements))[: int(n[0])]
            measurements = subset(measurements, np.sort(chosen))
        row = measure(measurements)
        by_fold = ", ".join(f"{value:.2f}" for value in row.by_fold)
        print(
            f"| {Path(file).name}, {column} | {row.n:,} | {row.covered:.3f} | {by_fold} | {row.rmse:.3f} | "
            f"{row.r2:.2f} | {row.width:.2f} | {row.inside:.2f} | {row.covered_inside:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
