"""The candidates of an objective as the page shows them: how they meet its targets, which are alike, which to look at.

The search writes these columns to candidates.csv; for runs of earlier versions, which have none, they are made here.

References:
    Butina, Unsupervised data base clustering based on Daylight's fingerprint and Tanimoto similarity, Journal of
    Chemical Information and Computer Sciences 1999, doi:10.1021/ci9803381.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from rdkit import DataStructs
from rdkit.Chem import inchi, rdFingerprintGenerator
from rdkit.ML.Cluster import Butina

from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet
from molvae.optimize.spec import ObjectiveSpec
from molvae.report.objective_text import read_objective
from molvae.report.run_data import Optimization
from molvae.tables import TERM

DESIRABILITY = "desirability."
"""Prefix of the columns of the terms' desirabilities."""
MIN_MET = 0.99
"""Desirability from which a target counts as met, where the search has not counted them."""
CLUSTER_DISTANCE = 0.5
"""Tanimoto distance (ECFP4, 2,048 bits) within which candidates are of one cluster."""
N_SUGGESTED = 5


@dataclass(frozen=True)
class CandidateSet:
    """The candidates of an objective.

    Attributes:
        table: A row for each candidate, the best first: the columns of candidates.csv, those that only the score stage
            has written, and `id`, `cluster`, `targets_met`, `suggested` and `desirability.<term>`.
        terms: Names of the terms.
        spec: What was searched for; None if it was not recorded or cannot be read.
        reference: SMILES of the molecule that candidates are compared with: the lead, or the molecule of the first
            similarity term; empty if there is neither.
    """

    table: pd.DataFrame
    terms: tuple[str, ...]
    spec: ObjectiveSpec | None
    reference: str

    @property
    def suggested(self) -> pd.DataFrame:
        """The suggested molecules, those that meet most targets first."""
        chosen = self.table[self.table["suggested"].astype(bool)]
        return chosen.sort_values(["targets_met", "score"], ascending=False, kind="stable")

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return int(self.table["cluster"].nunique())

    def n_meeting(self, n_targets: int) -> int:
        """Return how many candidates meet at least so many targets."""
        return int((self.table["targets_met"] >= n_targets).sum())


def candidate_set(result: Optimization) -> CandidateSet:
    """Return the candidates of a search with all that the page shows of them."""
    table = _with_scored(result)
    spec = read_objective(result.search.summary.get("objective", {}))
    terms = tuple(name.removeprefix(TERM) for name in table.columns if name.startswith(TERM))
    smiles = table["smiles"].astype(str).tolist()
    if "id" not in table:
        table["id"] = molecule_ids(smiles)
    if "cluster" not in table:
        table["cluster"] = clusters(smiles)
    for term in spec.terms if spec else ():
        if f"{DESIRABILITY}{term.title}" not in table and f"{TERM}{term.title}" in table:
            table[f"{DESIRABILITY}{term.title}"] = [
                np.nan if np.isnan(value) else term.desirability(float(value)) for value in table[f"{TERM}{term.title}"]
            ]
    if "targets_met" not in table:
        desirabilities = [name for name in table.columns if name.startswith(DESIRABILITY)]
        table["targets_met"] = (table[desirabilities] >= MIN_MET).sum(axis=1).astype("int64")
    if "suggested" not in table:
        table["suggested"] = _suggested(table)
    return CandidateSet(table, terms, spec, _reference(spec))


def _with_scored(result: Optimization) -> pd.DataFrame:
    """Return the candidates with those columns of the score stage that they lack."""
    if result.scored is None:
        return result.candidates.copy()
    scored = result.scored.molecules.drop_duplicates("smiles")
    further = [name for name in scored.columns if name not in result.candidates.columns]
    return result.candidates.merge(scored[["smiles", *further]], on="smiles", how="left", validate="many_to_one")


def _reference(spec: ObjectiveSpec | None) -> str:
    if spec is None:
        return ""
    if spec.lead is not None:
        return spec.lead.smiles
    targets = [term.quantity.similarity for term in spec.terms if term.quantity.kind() == "similarity"]  # type: ignore[attr-defined]
    return str(targets[0].to) if targets else ""


def molecule_ids(smiles: Sequence[str]) -> list[str]:
    """Return the first block of each molecule's InChIKey, and more of it where two molecules share that."""
    with quiet():
        keys = ["" if (mol := parse(text)) is None else str(inchi.MolToInchiKey(mol)) for text in smiles]  # type: ignore[no-untyped-call]
    blocks = [key.partition("-")[0] for key in keys]
    unique = [block if blocks.count(block) == 1 else key for block, key in zip(blocks, keys, strict=True)]
    return [text or f"molecule-{place}" for place, text in enumerate(unique, start=1)]


def clusters(smiles: Sequence[str]) -> list[int]:
    """Return the number of each molecule's Butina cluster, from 1 in the order of the molecules."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    prints = [generator.GetFingerprint(mol) for text in smiles if (mol := parse(text)) is not None]
    distances: list[float] = []
    for place in range(1, len(prints)):
        similarities = DataStructs.BulkTanimotoSimilarity(prints[place], prints[:place])
        distances.extend(1.0 - similarity for similarity in similarities)
    groups = Butina.ClusterData(distances, len(prints), CLUSTER_DISTANCE, isDistData=True) if prints else ()  # type: ignore[no-untyped-call]
    first = sorted(groups, key=min)
    number = {place: n for n, group in enumerate(first, start=1) for place in group}
    return [number[place] for place in range(len(prints))]


def _suggested(table: pd.DataFrame) -> pd.Series:
    """Say which molecules are suggested: the best of each cluster, of clusters that meet most targets."""
    ordered = table.sort_values(["targets_met", "score"], ascending=False, kind="stable")
    chosen = ordered.drop_duplicates("cluster").head(N_SUGGESTED)
    return pd.Series(table.index.isin(chosen.index), index=table.index)
