"""The table with a row for every generated molecule."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.chem.fingerprints import nearest
from molvae.chem.ring_systems import familiarity
from molvae.score.describe import Generated
from molvae.score.reference import Reference
from molvae.score.statistics import TrainStatistics

FLAGS = ("passes_veber", "passes_filters", "novel", "scaffold_in_train", "outside_domain")
"""Columns of truth values."""

OUTSIDE_PERCENTILE = 99.0
"""A molecule that is more anomalous than this share of the held-out molecules is outside the model's domain."""


@dataclass(frozen=True)
class Anomaly:
    """How unlikely molecules are under a model.

    Attributes:
        scores: Of the N valid generated molecules, float64 (N,); see `MolVAE.anomaly_score`.
        held_out: Of test molecules, float64 (M,).
    """

    scores: NDArray[np.float64]
    held_out: NDArray[np.float64]

    def percentiles(self) -> NDArray[np.float64]:
        """Return the share of the held-out molecules, in percent, that are less anomalous, float64 (N,)."""
        below = np.searchsorted(np.sort(self.held_out), self.scores)
        return 100.0 * below / len(self.held_out)


def molecule_table(
    samples: Sequence[str],
    generated: Generated,
    reference: Reference,
    train: TrainStatistics,
    anomaly: Anomaly | None = None,
) -> pd.DataFrame:
    """Return what is known of each generated molecule.

    Args:
        samples: The strings given.
        generated: What was computed for them.
        reference: The molecules that they are compared with.
        train: What was computed for the training molecules.
        anomaly: What a model says of the valid ones, if there is one.

    Returns:
        A row a string, in order: `smiles` (as given), `canonical_smiles`, `valid`, `problem` (why not), a column for
        each of `PROPERTIES`, `passes_veber`, `alerts` (names joined by `; `), `n_alerts`, `passes_filters`, `novel` (by
        canonical SMILES), `nearest_train_smiles`, `nearest_train_id` and `nearest_train_<property>` for each measured
        property where the reference has them, `nearest_train_similarity`, `scaffold` (empty without rings),
        `scaffold_in_train`, `known_ring_systems` (share of its ring systems that training molecules have),
        `rarest_ring_system` (how many training molecules have the rarest), `inchikey`, and with a model
        `anomaly_score`, `anomaly_percentile` and `outside_domain`. An invalid string has false where others have a
        truth value, and nothing in the other cells.
    """
    known = set(train.smiles)
    rings = generated.each(lambda molecule: familiarity(molecule.ring_systems, train.ring_systems))
    valid = pd.DataFrame(
        {
            "canonical_smiles": generated.smiles,
            **generated.properties,
            "passes_veber": generated.each(lambda molecule: molecule.passes_veber),
            "alerts": generated.each(lambda molecule: "; ".join(molecule.alerts)),
            "n_alerts": pd.array(generated.each(lambda molecule: len(molecule.alerts)), dtype="Int64"),
            "passes_filters": generated.each(lambda molecule: molecule.passes_filters),
            "novel": [smiles not in known for smiles in generated.smiles],
            **_nearest_columns(generated, reference, train),
            "scaffold": generated.each(lambda molecule: molecule.scaffold),
            "scaffold_in_train": generated.each(lambda molecule: molecule.scaffold in train.scaffolds),
            "known_ring_systems": [familiar.fraction for familiar in rings],
            "rarest_ring_system": pd.array([familiar.rarest for familiar in rings], dtype="Int64"),
            "inchikey": generated.each(lambda molecule: molecule.inchikey),
            **({} if anomaly is None else _anomaly_columns(anomaly)),
        },
        index=pd.Index(np.flatnonzero(generated.is_valid)),
    )
    table = valid.reindex(range(len(samples)))
    for name in FLAGS:
        if name in table:
            table[name] = table[name].eq(other=True)
    table.insert(0, "smiles", list(samples))
    table.insert(2, "valid", generated.is_valid)
    table.insert(3, "problem", generated.problems)
    return table


def _nearest_columns(generated: Generated, reference: Reference, train: TrainStatistics) -> dict[str, object]:
    similarity, index = nearest(generated.fingerprints, train.fingerprints)
    rows = train.rows[index]
    return {
        "nearest_train_smiles": [train.smiles[row] for row in index],
        **{f"nearest_train_{name}": reference.train_columns[name].to_numpy()[rows] for name in reference.train_columns},
        "nearest_train_similarity": similarity,
    }


def _anomaly_columns(anomaly: Anomaly) -> dict[str, object]:
    percentiles = anomaly.percentiles()
    return {
        "anomaly_score": anomaly.scores,
        "anomaly_percentile": percentiles,
        "outside_domain": percentiles > OUTSIDE_PERCENTILE,
    }
