"""The candidates of an objective as the page shows them: how they meet its targets, which are alike, which to look at.

The search writes these columns to candidates.csv; for runs of earlier versions, which have none, they are made here.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from molvae.chem.fingerprints import morgan_bits
from molvae.chem.identifiers import molecule_id
from molvae.chem.molecules import canonical_smiles
from molvae.chem.selection import butina_clusters, suggest
from molvae.optimize.spec import ObjectiveSpec
from molvae.report.numerals import decimals_for
from molvae.report.objective_text import read_objective
from molvae.report.run_data import Optimization
from molvae.tables import DESIRABILITY, TARGET_MET, TERM


@dataclass(frozen=True)
class CandidateSet:
    """The candidates of an objective.

    Attributes:
        table: A row for each candidate, the best first: the columns of candidates.csv, those that only the score stage
            has written, and `id`, `cluster`, `targets_met`, `suggested` and `desirability.<term>`.
        terms: Names of the terms.
        spec: What was searched for; None if it was not recorded or cannot be read.
        reference: Canonical SMILES of the molecule that candidates are compared with: the lead, or the molecule of the
            first similarity term; empty if there is neither.
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

    @property
    def is_pareto(self) -> bool:
        """Whether the terms stay apart, so that the ranks go by fronts."""
        return "front" in self.table

    def decimals(self, term: str, least: int) -> int:
        """Return how many decimals show differences between the candidates' values of a term."""
        return decimals_for(self.table[f"{TERM}{term}"].to_numpy(), least)

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
        table["id"] = [molecule_id(text) for text in smiles]
    if "cluster" not in table:
        table["cluster"] = butina_clusters(morgan_bits(smiles, n_bits=2048))
    for term in spec.terms if spec else ():
        if f"{DESIRABILITY}{term.title}" not in table and f"{TERM}{term.title}" in table:
            table[f"{DESIRABILITY}{term.title}"] = [
                np.nan if np.isnan(value) else term.desirability(float(value)) for value in table[f"{TERM}{term.title}"]
            ]
    if "targets_met" not in table:
        desirabilities = [name for name in table.columns if name.startswith(DESIRABILITY)]
        table["targets_met"] = (table[desirabilities] >= TARGET_MET).sum(axis=1).astype("int64")
    if "suggested" not in table:
        table["suggested"] = suggest(table["cluster"].to_numpy(), table["targets_met"].to_numpy())
    return CandidateSet(table, terms, spec, canonical_smiles((spec and spec.reference) or "") or "")


def _with_scored(result: Optimization) -> pd.DataFrame:
    """Return the candidates with those columns of the score stage that they lack."""
    if result.scored is None:
        return result.candidates.copy()
    scored = result.scored.molecules.drop_duplicates("smiles")
    further = [name for name in scored.columns if name not in result.candidates.columns]
    return result.candidates.merge(scored[["smiles", *further]], on="smiles", how="left", validate="many_to_one")
