"""A two-dimensional map of the latent space."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from molvae.metrics.metric import Metric
from molvae.metrics.registry import measured
from molvae.model.latent_axes import LatentAxes
from molvae.seeding import numpy_generator
from molvae.tables import SAMPLE_LAYER

_SPLITS = ("train", "test")


def latent_map(
    axes: LatentAxes, molecules: pd.DataFrame, samples: Sequence[str | None], n: int, seed: int, n_jobs: int = 1
) -> pd.DataFrame:
    """Place training molecules, test molecules and samples on the axes, a third each.

    Args:
        axes: The axes.
        molecules: The prepared molecules: id, smiles, split.
        samples: Samples of the model, None where one is no molecule; the first ones are taken.
        n: Maximum number of molecules on the map.
        seed: Seed of the choice of molecules.
        n_jobs: Number of processes.

    Returns:
        See `molvae.tables.LATENT_MAP`.
    """
    generator = numpy_generator(seed, "map")
    chosen = []
    for split in _SPLITS:
        rows = np.flatnonzero(molecules["split"] == split)
        chosen.append(np.sort(generator.permutation(rows)[: n // 3]))
    prepared = molecules.iloc[np.concatenate(chosen)][["id", "smiles", "split"]]
    valid = [(f"sample-{at}", smiles, SAMPLE_LAYER) for at, smiles in enumerate(samples, start=1) if smiles is not None]
    sampled = pd.DataFrame(valid[: n // 3], columns=["id", "smiles", "split"])
    return axes.place(pd.concat([prepared, sampled], ignore_index=True), n_jobs)


def map_metrics(axes: LatentAxes) -> dict[str, Metric]:
    """Return how much of the variance of the codes the axes have."""
    return {
        f"explained_variance_{axis}": measured(f"explained_variance_{axis}", fraction, axes.n)
        for axis, fraction in enumerate(axes.explained, start=1)
    }
