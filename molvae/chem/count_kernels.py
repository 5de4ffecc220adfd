"""Kernels between molecules: similarities of their substructure counts, composition and descriptors.

References:
    Ralaivola et al., Graph kernels for chemical informatics, Neural Networks 2005, doi:10.1016/j.neunet.2005.07.009
    (the min-max kernel of counts).
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molvae.chem.count_features import COUNTS, Features, size
from molvae.chem.fingerprints import bit_counts, exact_dtype, unpack_bits

Kernel = Mapping[str, float]
"""The parts of a kernel, by the names of features, with weights that sum to 1."""

KERNELS: tuple[Kernel, ...] = (
    {"ecfp6": 0.5, "fcfp4": 0.25, "pairs": 0.25},
    {"ecfp6": 1.0},
    {"fcfp4": 1.0},
    {"pairs": 1.0},
    {"ecfp6": 0.4, "fcfp4": 0.2, "pairs": 0.2, "composition": 0.1, "descriptors": 0.1},
    {"ecfp6": 0.2, "fcfp4": 0.1, "pairs": 0.1, "composition": 0.3, "descriptors": 0.3},
    {"ecfp6": 0.7, "descriptors": 0.3},
    {"ecfp6": 0.3, "composition": 0.7},
)
"""Kernels to choose from; the first serves where there is too little to choose by."""

# Length scales of the kernels that are no similarities of counts.
_LENGTHS = {"composition": 2.0, "descriptors": 2.0}


class References:
    """Molecules that many others are compared with."""

    def __init__(self, features: Features) -> None:
        """Unpack their features."""
        self.features = features
        self._counts = {name: bit_counts(features[name]) for name in COUNTS if name in features}
        self._bits = {name: unpack_bits(features[name], exact_dtype(counts)) for name, counts in self._counts.items()}

    def similarities(self, others: Features, kernel: Kernel) -> NDArray[np.float32]:
        """Return the kernel between M other molecules and these N, float32 (M, N)."""
        total = torch.zeros(size(others), size(self.features))
        for name, weight in kernel.items():
            total += weight * (self._min_max(name, others) if name in COUNTS else self._smooth(name, others))
        return total.numpy()

    def _min_max(self, name: str, others: Features) -> Tensor:
        bits = self._bits[name]
        # Common bits are at most those of the references, so that the product is exact.
        common = (unpack_bits(others[name], bits.dtype) @ bits.T).float()
        sums = torch.from_numpy(bit_counts(others[name])[:, None] + self._counts[name][None, :])
        return common / (sums - common).clamp(min=1.0)

    def _smooth(self, name: str, others: Features) -> Tensor:
        a, b = torch.from_numpy(others[name]), torch.from_numpy(self.features[name])
        return torch.exp(-0.5 * (torch.cdist(a, b) / _LENGTHS[name]).square())
