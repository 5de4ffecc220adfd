"""The table with a row for every generated molecule."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from molvae.chem.fingerprints import nearest
from molvae.score.describe import Described


def molecule_table(samples: Sequence[str], molecules: Described) -> pd.DataFrame:
    """Return what is known of each generated molecule.

    Args:
        samples: The strings given.
        molecules: What was computed for them and the reference molecules.

    Returns:
        A row a string, in order: `smiles` (as given), `canonical_smiles`, `valid`, a column for each of `PROPERTIES`,
        `alerts` (names joined by `; `), `n_alerts`, `passes_filters`, `novel`, `nearest_train_smiles`,
        `nearest_train_similarity`, `scaffold` (empty without rings), `scaffold_in_train` and `inchikey`. An invalid
        string has false where others have a truth value, and nothing in the other cells.
    """
    generated, train = molecules.generated, molecules.train
    training, training_scaffolds = set(train.smiles), set(train.scaffolds)
    valid = pd.DataFrame({"canonical_smiles": generated.smiles, **generated.properties})
    valid["alerts"] = ["; ".join(names) for names in generated.alerts]
    valid["n_alerts"] = pd.array([len(names) for names in generated.alerts], dtype="Int64")
    valid["passes_filters"] = generated.passes_filters
    valid["novel"] = [smiles not in training for smiles in generated.smiles]
    similarity, index = nearest(generated.fingerprints, train.fingerprints)
    valid["nearest_train_smiles"] = [train.smiles[row] for row in index]
    valid["nearest_train_similarity"] = similarity
    valid["scaffold"] = generated.scaffolds
    valid["scaffold_in_train"] = [scaffold in training_scaffolds for scaffold in generated.scaffolds]
    valid["inchikey"] = generated.inchikeys
    valid.index = pd.Index(np.flatnonzero(generated.is_valid))
    table = valid.reindex(range(len(samples)))
    for name in ("passes_filters", "novel", "scaffold_in_train"):
        table[name] = table[name].fillna(value=False).astype(bool)
    table.insert(0, "smiles", list(samples))
    table.insert(2, "valid", generated.is_valid)
    return table
