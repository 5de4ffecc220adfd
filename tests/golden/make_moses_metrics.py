"""Remake `moses_metrics.json`: the figures that the MOSES package itself gives for `moses_molecules.csv`.

Needs molsets 0.3.1 and fcd_torch 1.0.7, whose own requirements no longer install:

    pip install --no-deps --target /tmp/molsets molsets==0.3.1 fcd_torch==1.0.7
    PYTHONPATH=/tmp/molsets python tests/golden/make_moses_metrics.py
"""

import importlib.machinery
import json
import sys
import types
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent


def make_importable() -> None:
    """Give molsets what it expects of pandas 1 and an RDKit of 2020."""
    pd.DataFrame.append = lambda self, other, **options: pd.concat([self, other], **options)
    six = types.ModuleType("rdkit.six")
    six.iteritems = lambda mapping: iter(mapping.items())
    sys.modules["rdkit.six"] = six
    # The package imports all its models, whose own dependencies are not needed here.
    for name in ("pomegranate", "seaborn", "matplotlib", "matplotlib.pyplot", "tqdm", "tqdm.auto"):
        module = types.ModuleType(name)
        # torch asks where some of them come from.
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        sys.modules.setdefault(name, module)
    for name in ("tqdm", "tqdm.auto"):
        sys.modules[name].tqdm = iter


if __name__ == "__main__":
    make_importable()
    from moses.metrics.metrics import get_all_metrics

    molecules = pd.read_csv(HERE / "moses_molecules.csv")
    sets = {name: group["smiles"].tolist() for name, group in molecules.groupby("set")}
    figures = get_all_metrics(
        sets["generated"],
        test=sets["test"],
        test_scaffolds=sets["test_scaffolds"],
        train=sets["train"],
        batch_size=128,
    )
    content = {name: float(value) for name, value in figures.items()}
    (HERE / "moses_metrics.json").write_text(json.dumps(content, indent=2) + "\n")
