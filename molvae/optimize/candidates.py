"""The molecules that a search proposes as candidates, with what a chemist asks before making one."""

import numpy as np
import pandas as pd

from molvae.chem.alerts import structural_alerts
from molvae.chem.descriptors import compute_properties
from molvae.chem.fingerprints import morgan_bits, nearest
from molvae.chem.identifiers import molecule_id
from molvae.chem.molecules import flat_forms, parse
from molvae.chem.quiet import quiet
from molvae.chem.ring_systems import ring_systems, unseen
from molvae.chem.selection import butina_clusters, suggest
from molvae.metrics.cache import Stored, cached
from molvae.metrics.known_rings import known_ring_systems
from molvae.model.anomaly import compare_anomaly
from molvae.model.model import MolVAE
from molvae.optimize.front import desirability_columns
from molvae.optimize.objective import Objective
from molvae.optimize.pareto import front_order, front_ranks, knee
from molvae.tables import CHANGE, CONSTRAINT, TARGET_MET, TERM

_CHANGED = ("mol_weight", "logp", "tpsa", "qed")
"""Properties whose changes from the lead are in the table."""


def candidates_table(
    trace: pd.DataFrame,
    objective: Objective,
    molecules: pd.DataFrame,
    model: MolVAE,
    n_candidates: int,
    seed: int,
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Return the best new molecules of a trace that satisfy the constraints and have a score above 0.

    Args:
        trace: Oracle calls, see `Oracle.trace`.
        objective: What was searched for.
        molecules: The known molecules, which are not new, columns smiles (canonical) and split; may be empty.
        model: Tells how likely they are.
        n_candidates: Most candidates.
        seed: The run's seed.
        n_jobs: Number of processes.

    Returns:
        See `molvae.tables.CANDIDATES`; the best first. Where the terms stay apart, these are the molecules on the
        front, then those on the next one, and so on.
    """
    # Whether it is in training, or a flat form of that, is in the trace.
    held_out = molecules.loc[molecules["split"] != "train", "smiles"]
    is_known = trace["in_training"] | trace["smiles"].isin({*molecules["smiles"], *flat_forms(held_out)})
    chosen = _best(trace[trace["feasible"] & (trace["score"] > 0.0) & ~is_known], objective, n_candidates)
    smiles = chosen["smiles"].tolist()
    train = molecules.loc[molecules["split"] == "train", "smiles"].tolist()
    desirabilities = desirability_columns(chosen, objective)
    table = chosen[["smiles", "score", "call", "origin"]].copy()
    table.insert(0, "rank", range(1, len(table) + 1))
    table.insert(1, "id", [molecule_id(text) for text in smiles])
    table["nearest_train_smiles"], table["nearest_train_similarity"] = _nearest(smiles, train, n_jobs)
    table = pd.concat([table, _selection(smiles, desirabilities, objective)], axis=1)
    table["alerts"], table["unseen_ring_systems"] = _alerts_and_rings(smiles, train, n_jobs)
    table["likelihood_percentile"] = _likelihood(model, smiles, molecules, seed)
    values = chosen[[column for column in chosen.columns if column.startswith((TERM, CONSTRAINT))]]
    properties = compute_properties(smiles)
    changes = [] if objective.lead is None else [_changes(objective.lead, trace, values, properties)]
    return pd.concat([table, values, desirabilities, *changes, properties], axis=1)


def _changes(lead: str, trace: pd.DataFrame, values: pd.DataFrame, properties: pd.DataFrame) -> pd.DataFrame:
    """Return what became of the terms and of some properties, candidate less lead."""
    calls = trace[trace["smiles"] == lead]
    terms = [column for column in values.columns if column.startswith(TERM)] if len(calls) else []
    changes = {f"{CHANGE}{term.removeprefix(TERM)}": values[term] - calls[term].iloc[0] for term in terms}
    own = compute_properties([lead], list(_CHANGED)).iloc[0]
    return pd.DataFrame({f"{CHANGE}{name}": properties[name] - own[name] for name in _CHANGED} | changes)


def _best(eligible: pd.DataFrame, objective: Objective, n: int) -> pd.DataFrame:
    ranked = eligible.sort_values(["score", "call"], ascending=[False, True])
    if objective.is_pareto:
        desirabilities = desirability_columns(ranked, objective).to_numpy()
        ranked = ranked.iloc[front_order(desirabilities, ranked["score"].to_numpy(), n)]
    return ranked.head(n).reset_index(drop=True)


def _nearest(smiles: list[str], train: list[str], n_jobs: int) -> tuple[list[str], list[float]]:
    if not train or not smiles:
        return [""] * len(smiles), [float("nan")] * len(smiles)
    known = cached("fingerprints", train, lambda: Stored({"bits": morgan_bits(train, n_jobs=n_jobs)})).arrays["bits"]
    similarity, index = nearest(morgan_bits(smiles), known)
    return [train[i] for i in index], [round(float(value), 4) for value in similarity]


def _selection(smiles: list[str], desirabilities: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """Return the columns that say which N ranked candidates to make first, and what speaks for them."""
    values = desirabilities.to_numpy()
    table = pd.DataFrame({"front": front_ranks(values)} if objective.is_pareto else {}, index=desirabilities.index)
    is_knee = np.zeros(len(smiles), dtype=bool)
    if objective.is_pareto and smiles:
        front = np.flatnonzero(table["front"] == 1)
        is_knee[front[knee(values[front])]] = True
    n_met = (values >= TARGET_MET).sum(axis=1)
    table["cluster"] = butina_clusters(morgan_bits(smiles, n_bits=2048))
    table["suggested"] = suggest(table["cluster"].to_numpy(), n_met, is_knee)
    table["targets_met"] = n_met
    table["n_targets"] = values.shape[1]
    return table


def _alerts_and_rings(smiles: list[str], train: list[str], n_jobs: int) -> tuple[list[str], list[str]]:
    """Return the names of the structural alerts of N molecules, and their ring systems that are not in training."""
    with quiet():
        mols = [mol for mol in map(parse, smiles) if mol is not None]
        alerts = structural_alerts(mols)
        systems = [ring_systems(mol) for mol in mols]
    known = known_ring_systems(train, n_jobs) if train and smiles else {}
    # Without training molecules it is not known which are new.
    new = [unseen(of_one, known) if train else [] for of_one in systems]
    return ["; ".join(names) for names in alerts], ["; ".join(names) for names in new]


def _likelihood(model: MolVAE, smiles: list[str], molecules: pd.DataFrame, seed: int) -> list[float]:
    """Return the percentage of held-out molecules that the model finds less likely than each of N; NaN if unknown."""
    by_split = [molecules.loc[molecules["split"] == split, "smiles"] for split in ("test", "validation", "train")]
    held_out = next((split.tolist() for split in by_split if len(split)), [])
    anomaly = compare_anomaly(model, smiles, held_out, seed) if smiles and held_out else None
    if anomaly is None or not len(anomaly.held_out):
        return [float("nan")] * len(smiles)
    return [round(value, 2) for value in anomaly.likelihood_percentiles().tolist()]
