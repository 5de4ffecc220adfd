"""Split the measured series that RDKit ships into molecules that are measured and a pool to choose from.

    python data/make_series.py --out data

Of the 1,017 aryl sulfonamides, 200 at random are measured; the others are the pool, without their values.
"""

import argparse
from pathlib import Path

import pandas as pd
from rdkit import RDConfig

from molvae.files import write_table
from molvae.seeding import numpy_generator

SERIES = Path(RDConfig.RDContribDir) / "FreeWilson" / "data" / "CHEMBL2321810"
SEED, N_MEASURED = 1, 200


def main() -> None:
    """Write both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    molecules = pd.read_csv(f"{SERIES}.smi", sep=" ", names=["smiles", "id"])
    activities = pd.read_csv(f"{SERIES}_act.csv").rename(columns={"Name": "id", "Act": "pAct"})
    order = numpy_generator(SEED, "series").permutation(len(molecules))
    series = molecules.merge(activities, on="id").iloc[order]
    write_table(out / "series_measured.csv", series[:N_MEASURED])
    write_table(out / "series_pool.csv", series[N_MEASURED:].drop(columns="pAct"))


if __name__ == "__main__":
    main()
