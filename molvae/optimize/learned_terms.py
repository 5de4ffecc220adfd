"""What a search hands out about its learned terms: the evidence for each model, and columns of the candidates."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from molvae.files import write_json
from molvae.learned import LearnedModel
from molvae.optimize.objective import Objective
from molvae.optimize.quantities.learned import COVERAGE, Learned
from molvae.tables import HIGH, IN_DOMAIN, LOW, NEAREST, NEAREST_SIMILARITY, NEAREST_VALUE, PREDICTED


def learned_file(term: str) -> str:
    """Return the name of the file with the evidence for a learned term."""
    return f"learned_{term}.json"


def write_evidence(objective: Objective, folder: Path) -> None:
    """Write `learned_<term>.json` for each learned term, in place of those of an earlier search."""
    for stale in folder.glob(learned_file("*")):
        stale.unlink()
    for term, quantity in _learned(objective).items():
        source = quantity.learned.source
        write_json(folder / learned_file(term), {"source": source.text(), **_evidence(source.load(objective.folder))})


def candidate_columns(objective: Objective, smiles: Sequence[str]) -> pd.DataFrame:
    """Return, for each learned term, what is predicted of N candidates, and the nearest measured molecule of each."""
    columns: dict[str, object] = {}
    for term, quantity in _learned(objective).items():
        learned = quantity.learned.source.load(objective.folder)
        prediction, decimals = learned.predict(smiles, COVERAGE), learned.measurements.decimals
        columns |= {
            # The term itself may be an end of the interval.
            f"{PREDICTED}{term}": prediction.mean.round(decimals),
            f"{LOW}{term}": prediction.low.round(decimals),
            f"{HIGH}{term}": prediction.high.round(decimals),
            f"{IN_DOMAIN}{term}": prediction.in_domain,
            f"{NEAREST}{term}": prediction.nearest,
            f"{NEAREST_VALUE}{term}": prediction.nearest_value.round(decimals),
            f"{NEAREST_SIMILARITY}{term}": prediction.nearest_similarity.round(4),
        }
    return pd.DataFrame(columns, index=range(len(smiles)))


def _learned(objective: Objective) -> dict[str, Learned]:
    """Return the learned quantities by the names of their terms."""
    return {term.title: term.quantity for term in objective.spec.terms if isinstance(term.quantity, Learned)}


def _evidence(learned: LearnedModel) -> dict[str, object]:
    """Return the errors of all models, and the predictions of held-out molecules by the one that is kept."""
    measured = learned.measurements
    held_out = learned.held_out[learned.validation.split]
    return {
        "column": learned.column,
        "n": len(measured),
        "n_values": int(measured.n_repeats.sum()),
        "n_censored": measured.n_censored,
        "n_rejected": len(measured.rejected),
        "coverage": COVERAGE,
        "domain_similarity": learned.domain.threshold,
        **learned.validation.model_dump(mode="json"),
        "held_out": {
            "smiles": measured.smiles,
            "measured": np.round(measured.values, measured.decimals).tolist(),
            "predicted": np.round(held_out.mean, measured.decimals).tolist(),
        },
    }
