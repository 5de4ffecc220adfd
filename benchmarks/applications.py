"""What a trained model is good for besides searching, measured on real molecules.

    python benchmarks/applications.py anomaly --into docs/applications
    python benchmarks/applications.py transfer augmentation compression space --into docs/applications

Each writes its table into the page of its name, between two markers, and its figure beside it. The measured series
(CHEMBL2321810, 1,017 sulfonamides) and the molecules of the NCI come with RDKit.
"""

import argparse
import csv
import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rdkit import Chem, RDConfig
from sklearn.base import RegressorMixin
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

import molvae
from molvae.chem.descriptors import PROPERTIES
from molvae.chem.edits import mutate
from molvae.chem.fingerprints import morgan_bits, tanimoto_matrix
from molvae.chem.graph import Graph
from molvae.chem.molecules import canonical_smiles
from molvae.chem.quiet import quiet
from molvae.chem.scaffolds import murcko_scaffold
from molvae.model.model import MolVAE

ROOT = Path(__file__).parents[1]
SEED = 1
N = 1000
"""Most molecules of a set."""
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


@dataclass(frozen=True)
class Outcome:
    """What a measurement found: a table in Markdown, and a figure."""

    table: str
    chart: alt.Chart | alt.LayerChart | alt.FacetChart


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", choices=APPLICATIONS)
    parser.add_argument("--into", type=Path, help="folder of the pages; without it the tables are printed only")
    options = parser.parse_args()
    for name in options.what:
        outcome = APPLICATIONS[name]()
        print(f"{name}\n\n{outcome.table}\n")
        if options.into is not None:
            page = options.into / f"{name}.md"
            around = re.compile(f"(?<={BEGIN}\n).*(?={END})", re.DOTALL)
            page.write_text(around.sub(lambda _, text=outcome.table: f"\n{text}\n\n", page.read_text("utf-8")), "utf-8")
            outcome.chart.save(options.into / f"{name}.svg")


def anomaly() -> Outcome:
    """Rank sets of molecules by how far they are from the training molecules of `moses`; ROC-AUC to held-out ones."""
    model = molvae.load("moses")
    training, held_out = demo("demo.smi.gz")[:10_000], demo("demo_test.smi.gz")[:N]
    sets = {
        "NCI compounds": nci()[:N],
        "peptides of 3 to 5 residues": peptides(N),
        "series of sulfonamides": [smiles for smiles, _ in sulfonamides()][:N],
        "held-out molecules after five random edits": [edited for smiles in held_out if (edited := scrambled(smiles))],
    }
    codes = model.encode(training)
    precision = np.linalg.pinv(np.cov(codes, rowvar=False))

    def mahalanobis(smiles: Sequence[str]) -> NDArray[np.float64]:
        away = model.encode(list(smiles)) - codes.mean(axis=0)
        return np.asarray(np.einsum("ij,jk,ik->i", away, precision, away))

    def dissimilarity(smiles: Sequence[str]) -> NDArray[np.float64]:
        return 1.0 - tanimoto_matrix(morgan_bits(training, 2048), morgan_bits(list(smiles), 2048)).max(axis=0)

    scores: dict[str, Callable[[Sequence[str]], NDArray[np.float64]]] = {
        "model's negative log-likelihood (anomaly)": lambda smiles: model.anomaly_score(list(smiles)),
        "distance to the nearest of 10,000 training molecules (ECFP4, 2,048 bits)": dissimilarity,
        "Mahalanobis distance of the latent code": mahalanobis,
        "synthetic accessibility score": lambda smiles: property_of(smiles, "sa_score"),
    }
    rows = []
    for score, function in scores.items():
        inside = function(held_out)
        for name, smiles in sets.items():
            # What the model has no token for is as far away as can be.
            values = np.nan_to_num(np.concatenate([inside, function(smiles)]), nan=1e9, posinf=1e9)
            rows.append((score, name, roc_auc_score(np.arange(len(values)) >= len(inside), values)))
    table = pd.DataFrame(rows, columns=["score", "set", "auc"])
    chart = (
        alt.Chart(table)
        .mark_point(filled=True, size=70)
        .encode(
            x=alt.X("auc:Q", title="ROC-AUC against held-out molecules", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("set:N", title=None, sort=list(sets), axis=alt.Axis(labelLimit=300)),
            color=alt.Color("score:N", title=None, legend=alt.Legend(orient="bottom", columns=1, labelLimit=500)),
            shape=alt.Shape("score:N", title=None),
        )
        .properties(width=420, height=160)
    )
    return Outcome(markdown(table.pivot_table("auc", "score", "set").loc[list(scores), list(sets)]), chart)


def transfer() -> Outcome:
    """Predict a measured activity from latent codes, fingerprints and descriptors, by the same kind of estimator."""
    smiles, values = zip(*sulfonamides(), strict=True)
    y = np.array(values)
    model = molvae.load("zinc250k")
    latent, bits = model.encode(list(smiles)), fingerprints(smiles)
    descriptors = np.nan_to_num(np.column_stack([property_of(smiles, name) for name in PROPERTIES]))
    features = {
        "ECFP4 (2,048 bits)": bits,
        "descriptors": descriptors,
        "latent code of zinc250k": latent,
        "ECFP4 and latent code": np.hstack([bits, scaled(latent)]),
        "ECFP4 and descriptors": np.hstack([bits, scaled(descriptors)]),
    }
    groups = [murcko_scaffold(Chem.MolFromSmiles(text)) for text in smiles]
    splits = {
        "random": list(KFold(5, shuffle=True, random_state=SEED).split(smiles)),
        "whole scaffolds": list(GroupKFold(5, shuffle=True, random_state=SEED).split(smiles, groups=groups)),
    }
    rows = [
        (name, split, fold, r2_score(y[test], fitted(x[train], y[train]).predict(x[test])))
        for name, x in features.items()
        for split, folds in splits.items()
        for fold, (train, test) in enumerate(folds)
    ]
    table = pd.DataFrame(rows, columns=["features", "held out", "fold", "r2"])
    means = table.pivot_table("r2", "features", "held out").loc[list(features), list(splits)]
    return Outcome(
        markdown(means),
        dots(table, "features", list(features), "held out", "R2, each of five folds"),
    )


def augmentation() -> Outcome:
    """Enlarge a small measured set by molecules that the model decodes around its own, with the values of these."""
    smiles, values = map(list, zip(*sulfonamides(), strict=True))
    model = molvae.load("zinc250k")
    y, x = np.array(values), fingerprints(smiles)
    rows = []
    for n in (30, 100, 300):
        for seed in range(5):
            order = np.random.default_rng(seed).permutation(len(smiles))
            train, test = order[:n], order[-300:]
            analogues = [
                (near, y[row])
                for row in train.tolist()
                for near in model.neighbors(smiles[row], n=3, radius=0.2, seed=seed)
                if near is not None and canonical_smiles(smiles[row]) != near
            ]
            more_x = np.vstack([x[train], fingerprints([near for near, _ in analogues])])
            more_y = np.concatenate([y[train], [value for _, value in analogues]])
            for name, estimator in {
                "measured molecules alone": fitted(x[train], y[train]),
                "with three analogues of each": fitted(more_x, more_y),
            }.items():
                rows.append((name, f"{n} measured", seed, r2_score(y[test], estimator.predict(x[test]))))
    table = pd.DataFrame(rows, columns=["training set", "n", "seed", "r2"])
    names, sizes = list(dict.fromkeys(table["training set"])), list(dict.fromkeys(table["n"]))
    means = table.pivot_table("r2", "training set", "n").loc[names, sizes]
    return Outcome(markdown(means), dots(table, "n", sizes, "training set", "R2 on 300 others, each of five draws"))


def compression() -> Outcome:
    """Compare the size of codes with that of strings, and how many molecules the codes give back."""
    model = molvae.load("moses")
    smiles = [text for text in map(canonical_smiles, demo("demo_test.smi.gz")[:N]) if text is not None]
    text = "\n".join(smiles).encode()
    codes = model.encode(smiles)
    largest = np.abs(codes).max(axis=0)
    kept = {
        "SMILES": (len(text), 1.0),
        "SMILES, compressed together (zlib)": (len(zlib.compress(text, 9)), 1.0),
        "codes, 32 bits a number": (codes.nbytes, exact(model, codes, smiles)),
        "codes, 16 bits": (codes.nbytes // 2, exact(model, codes.astype(np.float16).astype(np.float32), smiles)),
    }
    for bits in (8, 6, 4):
        levels = 2 ** (bits - 1) - 1
        rounded = (np.round(codes / largest * levels) / levels * largest).astype(np.float32)
        kept[f"codes, {bits} bits"] = (codes.size * bits // 8, exact(model, rounded, smiles))
    rows = [(name, size / len(smiles), fraction) for name, (size, fraction) in kept.items()]
    table = pd.DataFrame(rows, columns=["stored as", "bytes a molecule", "given back exactly"])
    chart = (
        alt.Chart(table)
        .mark_point(filled=True, size=90)
        .encode(
            x=alt.X("bytes a molecule:Q", scale=alt.Scale(type="log")),
            y=alt.Y("given back exactly:Q", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("stored as:N", sort=list(kept), legend=alt.Legend(labelLimit=300)),
        )
        .properties(width=360, height=220)
    )
    return Outcome(markdown(table.set_index("stored as")), chart)


def space() -> Outcome:
    """Map sets of molecules by their codes, and follow the way between pairs of them."""
    model = molvae.load("moses")
    sets = {
        "held-out molecules of MOSES": demo("demo_test.smi.gz")[:500],
        "series of sulfonamides": [smiles for smiles, _ in sulfonamides()][:500],
        "NCI compounds": nci()[:500],
    }
    codes = {name: model.encode(smiles) for name, smiles in sets.items()}
    codes = {name: z[np.isfinite(z).all(axis=1)] for name, z in codes.items()}
    axes = PCA(2, random_state=SEED).fit(codes["held-out molecules of MOSES"])
    points = pd.concat(
        pd.DataFrame(axes.transform(z), columns=["x", "y"]).assign(set=name) for name, z in codes.items()
    )
    explained = axes.explained_variance_ratio_
    chart = (
        alt.Chart(points)
        .mark_circle(size=14, opacity=0.5)
        .encode(
            x=alt.X("x:Q", title=f"first component ({explained[0]:.1%} of the variance)"),
            y=alt.Y("y:Q", title=f"second component ({explained[1]:.1%})"),
            color=alt.Color("set:N", title=None, sort=list(sets), legend=alt.Legend(orient="top")),
        )
        .properties(width=420, height=320)
    )
    smiles = sets["held-out molecules of MOSES"]
    paths = [model.interpolate(a, b, steps=9) for a, b in zip(smiles[:50], smiles[50:100], strict=True)]
    steps = [
        (f"{step}/8", np.mean([similarity(path[0], path[step]) for path in paths]),
         np.mean([similarity(path[-1], path[step]) for path in paths]))
        for step in range(0, 9, 2)
    ]  # fmt: skip
    table = pd.DataFrame(steps, columns=["way", "similarity to the first", "similarity to the last"])
    return Outcome(markdown(table.set_index("way")), chart)


APPLICATIONS: dict[str, Callable[[], Outcome]] = {
    function.__name__: function for function in (anomaly, transfer, augmentation, compression, space)
}


def demo(file: str) -> list[str]:
    """Return molecules of the demo."""
    with gzip.open(ROOT / "data" / file, "rt", encoding="utf-8") as stream:
        return [line.split()[0] for line in stream if line.strip()]


def nci() -> list[str]:
    """Return the molecules of the NCI that RDKit comes with and can read."""
    lines = (Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi").read_text("utf-8").splitlines()
    with quiet():
        return [text for line in lines if (text := canonical_smiles(line.split()[0])) and "." not in text]


def sulfonamides() -> list[tuple[str, float]]:
    """Return the molecules of the measured series with their pAct."""
    folder = Path(RDConfig.RDContribDir) / "FreeWilson" / "data"
    with (folder / "CHEMBL2321810_act.csv").open(encoding="utf-8") as stream:
        measured = {row["Name"]: float(row["Act"]) for row in csv.DictReader(stream)}
    lines = [line.split() for line in (folder / "CHEMBL2321810.smi").read_text("utf-8").splitlines()]
    return [(line[0], measured[line[1]]) for line in lines if len(line) > 1 and line[1] in measured]


def peptides(n: int) -> list[str]:
    """Return random peptides."""
    rng = Random(SEED)
    sequences = ["".join(rng.choices("ACDEFGHIKLMNPQRSTVWY", k=rng.randint(3, 5))) for _ in range(n)]
    return [Chem.MolToSmiles(Chem.MolFromSequence(sequence), isomericSmiles=False) for sequence in sequences]


def scrambled(smiles: str) -> str | None:
    """Return a molecule after five random edits; None if one of them fails."""
    rng, mol = Random(smiles), Chem.MolFromSmiles(smiles)
    with quiet():
        for _ in range(5):
            mol = mutate(Graph.of(mol), rng, 60)
            if mol is None:
                return None
    return canonical_smiles(Chem.MolToSmiles(mol))


def property_of(smiles: Iterable[str], name: str) -> NDArray[np.float64]:
    """Return a property of N molecules, float64 (N,)."""
    with quiet():
        return np.array([PROPERTIES[name].compute(Chem.MolFromSmiles(text)) for text in smiles], dtype=np.float64)


def fingerprints(smiles: Sequence[str]) -> NDArray[np.float32]:
    """Return ECFP4 (2,048 bits) of N molecules, float32 (N, 2048)."""
    return np.unpackbits(morgan_bits(list(smiles), 2048), axis=1).astype(np.float32)


def scaled(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring columns to the spread of bits, so that neither of two kinds of features drowns the other."""
    return np.asarray(StandardScaler().fit_transform(x) / np.sqrt(x.shape[1]) * 3.0)


def fitted(x: NDArray[np.float64], y: NDArray[np.float64]) -> RegressorMixin:
    """Return a support vector regression, of scaled features unless they are bits."""
    is_dense = not np.isin(x[:, 0], (0.0, 1.0)).all()
    return (make_pipeline(StandardScaler(), SVR(C=3.0)) if is_dense else SVR(C=3.0)).fit(x, y)


def exact(model: MolVAE, codes: NDArray[np.float32], smiles: Sequence[str]) -> float:
    """Return the fraction of codes that decode to their molecule."""
    return float(np.mean([decoded == text for decoded, text in zip(model.decode(codes), smiles, strict=True)]))


def similarity(first: str | None, second: str | None) -> float:
    """Return the Tanimoto similarity of ECFP4 of two molecules."""
    if first is None or second is None:
        return 0.0
    return float(tanimoto_matrix(morgan_bits([first], 2048), morgan_bits([second], 2048))[0, 0])


def dots(table: pd.DataFrame, row: str, order: list[str], color: str, title: str) -> alt.Chart:
    """Return a chart with a dot for each value of `r2`."""
    encoded = alt.Chart(table).mark_point(filled=True, size=45, opacity=0.75)
    return encoded.encode(
        x=alt.X("r2:Q", title=title),
        y=alt.Y(f"{row}:N", title=None, sort=order, axis=alt.Axis(labelLimit=300)),
        yOffset=f"{color}:N",
        color=alt.Color(f"{color}:N", title=None, legend=alt.Legend(orient="top")),
    ).properties(width=400, height=36 * len(order))


def markdown(table: pd.DataFrame) -> str:
    """Return a table in Markdown, its index as the first column."""
    header = [str(table.index.name or ""), *map(str, table.columns)]
    rows = [[str(name), *(f"{value:.3g}" if value >= 1 else f"{value:.2f}" for value in row)] for name, row in
            zip(table.index, table.to_numpy(), strict=True)]  # fmt: skip
    lines = [header, ["---", *["---:"] * len(table.columns)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
