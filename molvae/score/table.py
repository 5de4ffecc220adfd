"""The table with a row for every generated molecule."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from molvae.chem.fingerprints import nearest
from molvae.chem.ring_systems import familiarity
from molvae.model.anomaly import Anomaly
from molvae.score.describe import Descriptions, Generated
from molvae.score.reference import Reference
from molvae.score.training import TrainStatistics

FLAGS = ("passes_veber", "passes_filters", "novel", "scaffold_in_train", "outside_domain")
"""Boolean columns, which are false for strings that are not molecules."""

OUTSIDE_PERCENTILE = 99.0
"""A molecule with a higher anomaly score than this percentage of held-out molecules is outside the model's domain."""


def molecule_table(
    samples: Sequence[str],
    generated: Generated,
    reference: Reference,
    train: TrainStatistics,
    anomaly: Anomaly | None = None,
) -> pd.DataFrame:
    """Return the table of generated molecules.

    Args:
        samples: The generated strings.
        generated: Their descriptions.
        reference: The molecules that they are compared with.
        train: Statistics of the training molecules.
        anomaly: Anomaly scores of the valid molecules under a model, if there is one.

    Returns:
        A row for each string, in order: `smiles` (as given), `canonical_smiles`, `valid`, `problem` (why not), a column
        for each of `PROPERTIES`, `passes_veber`, `alerts` (names joined by `; `), `n_alerts`, `passes_filters`, `novel`
        (by canonical SMILES), `nearest_train_smiles`, `nearest_train_id` and `nearest_train_<property>` for each
        measured property where the reference has them, `nearest_train_similarity`, `scaffold` (empty without rings),
        `scaffold_in_train`, `known_ring_systems` (fraction of its ring systems that training molecules have),
        `rarest_ring_system` (how many training molecules have the rarest), `inchikey`, and with a model
        `anomaly_score`, `anomaly_percentile` and `outside_domain`. Of a string that is not a molecule, boolean cells
        are false, and other cells empty.
    """
    molecules, known = generated.molecules, set(train.smiles)
    rings = [familiarity(systems, train.ring_systems) for systems in molecules.ring_systems]
    valid = pd.DataFrame(
        {
            "canonical_smiles": molecules.smiles,
            **molecules.properties,
            "passes_veber": molecules.passes_veber,
            "alerts": ["; ".join(alerts) for alerts in molecules.alerts],
            "n_alerts": pd.array([len(alerts) for alerts in molecules.alerts], dtype="Int64"),
            "passes_filters": molecules.passes_filters,
            "novel": [smiles not in known for smiles in molecules.smiles],
            **_nearest_columns(molecules, reference, train),
            "scaffold": molecules.scaffolds,
            "scaffold_in_train": [scaffold in train.scaffolds for scaffold in molecules.scaffolds],
            "known_ring_systems": [familiar.fraction for familiar in rings],
            "rarest_ring_system": pd.array([familiar.rarest for familiar in rings], dtype="Int64"),
            "inchikey": molecules.inchikeys,
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


def _nearest_columns(molecules: Descriptions, reference: Reference, train: TrainStatistics) -> dict[str, object]:
    similarity, index = nearest(molecules.fingerprints, train.fingerprints)
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
