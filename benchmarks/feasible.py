"""How many new molecules that satisfy hard constraints a search finds, on a series of which hardly any member does.

    python benchmarks/feasible.py [--model zinc250k] [--budget 800] [--seeds 1 2 3] [--out DIR]

The series is RDKit's set of 1,017 inhibitors (CHEMBL2321810, Contrib/FreeWilson). Candidates are similar to the most
active one, of less than 450 Da, with a logP from 1 to 3.5, hold an aryl ether of a sulfonamide, and have no alerts;
they are scored by QED, the SA score and a support vector machine trained on the series, whose calls are the budget.
The search knows the series, as it would after `molvae prepare`, at the defaults of the optimize stage.
"""

import argparse
import logging
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rdkit import Chem, RDConfig
from sklearn.svm import SVR

import molvae
from molvae.chem.molecules import canonical_smiles
from molvae.config import OptimizeConfig
from molvae.files import read_json, read_table
from molvae.optimize.objective import Objective
from molvae.optimize.similarity import fingerprinter
from molvae.optimize.spec import ObjectiveSpec
from molvae.optimize.stage import optimize
from molvae.parallel import set_threads

DATA = Path(RDConfig.RDContribDir) / "FreeWilson" / "data"
N_BITS = 4096


@cache
def series() -> pd.DataFrame:
    """Return the series, columns smiles (canonical) and activity, as -log10 of a concentration in mol/l."""
    lines = (DATA / "CHEMBL2321810.smi").read_text(encoding="utf-8").splitlines()
    smiles = {name: canonical_smiles(text) for text, name in (line.split() for line in lines if line.strip())}
    measured = pd.read_csv(DATA / "CHEMBL2321810_act.csv", dtype={"Name": str})
    table = pd.DataFrame({"smiles": measured["Name"].map(smiles), "activity": measured["Act"]}).dropna()
    return table.groupby("smiles", sort=False, as_index=False).mean()


def _counts(smiles: list[str]) -> np.ndarray[Any, Any]:
    """Return ECFP4 counts, folded to `N_BITS`, float64 (N, N_BITS)."""
    table = np.zeros((len(smiles), N_BITS))
    for row, text in enumerate(smiles):
        for feature, n in fingerprinter("ECFP4")(Chem.MolFromSmiles(text)).GetNonzeroElements().items():
            table[row, feature % N_BITS] += n
    return table


@cache
def _regression() -> SVR:
    return SVR(C=3.0).fit(_counts(series()["smiles"].tolist()), series()["activity"])


def activity(smiles: list[str]) -> list[float]:
    """Predict the activities of molecules."""
    return [float(value) for value in _regression().predict(_counts(smiles))]


def objective() -> Objective:
    """Return the task."""
    best = series().sort_values("activity", ascending=False)["smiles"].iloc[0]
    spec = {
        "name": "series",
        "terms": [
            {"python": "feasible:activity", "name": "activity", "maximise": {"low": 5.0, "high": 9.0}},
            {"property": "qed"},
            {"property": "sa_score", "minimise": {"low": 2.0, "high": 5.0}},
        ],
        "constraints": [
            {"name": "like_the_best", "similarity": {"to": best, "fingerprint": "ECFP4"}, "min": 0.4},
            {"property": "mol_weight", "max": 450},
            {"property": "logp", "min": 1.0, "max": 3.5},
            {"name": "core", "has": "cOc1ccc(S(=O)(=O)[NX3;H1])cc1"},
            {"alerts": ["PAINS", "BRENK"]},
        ],
    }
    return Objective(ObjectiveSpec.model_validate(spec), Path(__file__).parent)


def main() -> None:
    """Search with each seed and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="zinc250k")
    parser.add_argument("--budget", type=int, default=800)
    parser.add_argument("--n-start", type=int, default=OptimizeConfig().n_start)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--out", type=Path, help="folder for the results of the searches")
    options = parser.parse_args()
    logging.getLogger("molvae").setLevel(logging.WARNING)
    set_threads(1)
    out = options.out or Path(tempfile.mkdtemp())
    model, task = molvae.load(options.model), objective()
    known = series()[["smiles"]].assign(split="train")
    n_known = sum(not violated for violated in task.violations(known["smiles"].tolist()))
    print(f"{n_known} of {len(known)} known molecules satisfy the constraints")
    print("| seed | calls | new molecules that satisfy the constraints | mean score of the ten best new ones |")
    print("|---|---|---|---|")
    config = OptimizeConfig(budget=options.budget, n_start=options.n_start)
    for seed in options.seeds:
        folder = out / f"seed-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        optimize(model, task, known, folder, config, seed)
        trace, summary = read_table(folder / "trace.parquet"), read_json(folder / "summary.json")
        n_new = int((trace["feasible"] & ~trace["in_training"]).sum())
        print(f"| {seed} | {len(trace)} | {n_new} | {summary['new_top10_mean'] or 0.0:.3f} |", flush=True)


if __name__ == "__main__":
    main()
