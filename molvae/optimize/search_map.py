"""Where a search went on the map of the latent space."""

from collections.abc import Iterator

import pandas as pd

from molvae.chem.identifiers import molecule_id
from molvae.chem.molecules import canonical_smiles
from molvae.model.latent_axes import LatentAxes
from molvae.optimize.objective import Objective
from molvae.tables import CANDIDATE_LAYER, PATH_LAYER, REFERENCE_LAYER


def search_map(axes: LatentAxes, trace: pd.DataFrame, candidates: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """Place the candidates of a search, the best molecules on its way, and the reference, on the axes.

    Args:
        axes: The axes.
        trace: Oracle calls, see `Oracle.trace`.
        candidates: See `candidates_table`.
        objective: What was searched for.

    Returns:
        See `molvae.tables.LATENT_MAP`. The path are the molecules that were the best feasible one when they were
        scored, in order; where the terms stay apart none is the best, and there is no path.
    """
    layers = list(_layers(trace, candidates, objective))
    rows = [(molecule_id(smiles), smiles, layer) for layer, of_layer in layers for smiles in of_layer]
    return axes.place(pd.DataFrame(rows, columns=["id", "smiles", "split"]))


def _layers(trace: pd.DataFrame, candidates: pd.DataFrame, objective: Objective) -> Iterator[tuple[str, list[str]]]:
    feasible = trace[trace["feasible"]]
    is_best = feasible["score"] > feasible["score"].cummax().shift(fill_value=0.0)
    yield PATH_LAYER, [] if objective.is_pareto else feasible.loc[is_best, "smiles"].tolist()
    yield CANDIDATE_LAYER, candidates["smiles"].tolist()
    reference = objective.spec.reference and canonical_smiles(objective.spec.reference)
    yield REFERENCE_LAYER, [reference] if reference else []
