"""How usual molecules are to a model, beside molecules that it was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from molvae.errors import ConfigError
from molvae.log import logger
from molvae.model.model import MolVAE
from molvae.seeding import numpy_generator

MAX_HELD_OUT = 2000
"""Maximum number of held-out molecules whose anomaly scores give the percentiles."""


@dataclass(frozen=True)
class Anomaly:
    """Anomaly scores of molecules, see `MolVAE.anomaly_score`.

    Attributes:
        scores: Scores of N molecules, float64 (N,).
        held_out: Scores of M molecules that the model was not trained on, float64 (M,).
    """

    scores: NDArray[np.float64]
    held_out: NDArray[np.float64]

    def percentiles(self) -> NDArray[np.float64]:
        """Return the percentage of held-out molecules that have a lower score, float64 (N,); NaN without a score."""
        return self._percentage("left")

    def likelihood_percentiles(self) -> NDArray[np.float64]:
        """Return the percentage of held-out molecules that the model finds less likely, float64 (N,), or NaN."""
        return 100.0 - self._percentage("right")

    def _percentage(self, side: Literal["left", "right"]) -> NDArray[np.float64]:
        """Return the percentage of held-out molecules with a lower score, `right`: or the same; NaN if unknown."""
        below = np.searchsorted(np.sort(self.held_out), self.scores, side=side)
        # A NaN is sorted after all scores, as if it was the highest of them.
        return np.where(np.isnan(self.scores), np.nan, 100.0 * below / (len(self.held_out) or np.nan))


def compare_anomaly(model: MolVAE, smiles: Sequence[str], held_out: Sequence[str], seed: int) -> Anomaly | None:
    """Return the anomaly scores of molecules and of held-out ones, None if the model has no unconditional decoder.

    Args:
        model: The model.
        smiles: N molecules.
        held_out: Molecules that it was not trained on; at most `MAX_HELD_OUT` of them are drawn.
        seed: The run's seed.
    """
    rows = numpy_generator(seed, "anomaly").permutation(len(held_out))[:MAX_HELD_OUT]
    try:
        scores = model.anomaly_score([held_out[row] for row in sorted(rows)])
    except ConfigError as error:
        logger.warning("no anomaly scores (%s)", error)
        return None
    return Anomaly(model.anomaly_score(smiles), scores[~np.isnan(scores)])
