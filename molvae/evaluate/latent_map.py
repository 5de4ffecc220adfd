"""A two-dimensional map of the latent space."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from molvae.chem.descriptors import compute_properties
from molvae.model.model import MolVAE
from molvae.seeding import numpy_generator

PROPERTIES = ["qed", "logp", "mol_weight", "sa_score"]


def latent_map(model: MolVAE, molecules: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    """Project the codes of training and test molecules, half each, on their first two principal components.

    Args:
        model: The model.
        molecules: The prepared molecules: id, smiles, split.
        n: Maximum number of molecules on the map.
        seed: Seed of the choice of molecules.

    Returns:
        Columns id, smiles, split, x, y (the first two principal components of the posterior means) and properties.
    """
    generator = numpy_generator(seed, "map")
    chosen = []
    for split in ("train", "test"):
        rows = np.flatnonzero(molecules["split"] == split)
        chosen.append(np.sort(generator.permutation(rows)[: n // 2]))
    table = molecules.iloc[np.concatenate(chosen)][["id", "smiles", "split"]].reset_index(drop=True)
    codes = model.encode(table["smiles"].tolist())
    table[["x", "y"]] = PCA(2, svd_solver="full").fit_transform(codes)
    return pd.concat([table, compute_properties(table["smiles"].tolist(), PROPERTIES)], axis=1)
