"""How fast `molvae propose --pool` finds the best of a measured series, beside random and nearest-neighbour choices.

    python benchmarks/plates.py --out docs/propose.svg

The series is the one that RDKit ships with its Free-Wilson code, 1,017 aryl sulfonamides with measured activities.
24 random molecules are measured, the same for all three, and then five plates of 24 are chosen.
"""

import argparse
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import rdkit
from hidden_pool import HiddenPool, at_random, by_nearest, by_propose

from molvae.parallel import cpus_to_use

SERIES = Path(rdkit.__file__).parent / "Contrib" / "FreeWilson" / "data"
N, N_PLATES, N_SEEDS = 24, 5, 5
TOP = 0.05
"""Fraction of the series that counts as hits."""
CHOOSERS = {"molvae propose": by_propose, "nearest neighbour": by_nearest, "random": at_random}


def main() -> None:
    """Print the table, and write the chart."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, help="SVG file for the chart")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    series = measured_series()
    values = series["Act"].to_numpy(np.float64)
    pool = HiddenPool.of(series["smiles"].tolist(), values, cpus_to_use(options.threads))
    is_hit = values >= np.sort(values)[-round(TOP * len(values))]
    rows = []
    for name, chooser in CHOOSERS.items():
        for seed in range(1, N_SEEDS + 1):
            batches = pool.measured_in(chooser, N, N_PLATES, seed)
            for plate in range(N_PLATES + 1):
                measured = np.concatenate(batches[: plate + 1])
                fraction, best = is_hit[measured].mean() * len(measured) / is_hit.sum(), values[measured].max()
                rows.append((name, seed, len(measured), fraction, best))
    table = pd.DataFrame(rows, columns=["choice", "seed", "measured", "found", "best"])
    means = table.pivot_table(index="measured", columns="choice", values=["found", "best"])
    print(f"{is_hit.sum()} hits, from {values[is_hit].min():g}; mean of {N_SEEDS} seeds")
    print(means.round(3).to_string())
    if options.out is not None:
        chart(table).save(options.out)


def measured_series() -> pd.DataFrame:
    """Return the series, columns smiles and Act."""
    smiles = pd.read_csv(SERIES / "CHEMBL2321810.smi", sep=" ", names=["smiles", "Name"])
    return smiles.merge(pd.read_csv(SERIES / "CHEMBL2321810_act.csv"), on="Name")


def chart(table: pd.DataFrame) -> alt.LayerChart:
    """Draw the fraction of hits that is found, mean and range of the seeds."""
    base = alt.Chart(table, width=420, height=260).encode(
        x=alt.X(
            "measured", title="Molecules measured", axis=alt.Axis(values=[N * (i + 1) for i in range(N_PLATES + 1)])
        ),
        color=alt.Color("choice", title=None, sort=list(CHOOSERS)),
    )
    y = alt.Y("mean(found)", title="Fraction of the hits found", scale=alt.Scale(domain=[0, 1]))
    band = base.mark_area(opacity=0.15).encode(y=alt.Y("min(found)", title=""), y2="max(found)")
    return band + base.mark_line(point=True).encode(y=y)


if __name__ == "__main__":
    main()
