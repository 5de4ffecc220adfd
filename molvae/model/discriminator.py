"""A discriminator between training molecules and a model's samples, which corrects the distribution of the samples."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Self

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from torch import Tensor

from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet
from molvae.chem.standard_descriptors import N_DESCRIPTORS, standard_descriptors
from molvae.errors import ConfigError
from molvae.nn.generation import MAX_TRIES

N_BITS = 4096
N_FEATURES = N_BITS + 2 * N_DESCRIPTORS
# Inverse strength of the penalty on the squares of the weights.
_C = 0.02
_MAX_STEPS = 200
# Of a model's samples, the fraction whose density ratio is above the limit: these are accepted whatever it is.
_ALWAYS_ACCEPTED = 0.08


class Discriminator:
    """Tells how much more probable a molecule is among training molecules than among a model's samples.

    A logistic regression on counts of circular substructures of radius 1, and on descriptors and their squares. Samples
    are accepted with a probability in proportion to a power of the ratio of the two densities, so that what the model
    writes too often, such as rings that lost their aromaticity, becomes as rare as it is in training, and the sizes of
    the molecules are theirs. Nothing that the model cannot write is added.

    Attributes:
        weights: Weights of the features, and last the intercept, float32 (N_FEATURES + 1,).
        limit: Log density ratio from which on all samples are accepted.

    References:
        Azadi et al., Discriminator rejection sampling, ICLR 2019, arXiv:1810.06758.
        Grover et al., Bias correction of learned generative models using likelihood-free importance weighting, NeurIPS
        2019, arXiv:1906.09531.
    """

    def __init__(self, weights: NDArray[np.float32], limit: float) -> None:
        """Store the weights, float32 (N_FEATURES + 1,), and the limit."""
        self.weights, self.limit = weights, limit

    @classmethod
    def fit(cls, features: sp.csr_matrix, is_training: NDArray[np.bool_]) -> Self:
        """Fit to molecules of both kinds.

        Args:
            features: Of N molecules, see `features_of`, as many training molecules as samples.
            is_training: Which are training molecules, bool (N,).
        """
        from sklearn.linear_model import LogisticRegression

        regression = LogisticRegression(C=_C, max_iter=_MAX_STEPS).fit(features, is_training)
        weights = np.append(regression.coef_[0], regression.intercept_).astype(np.float32)
        ratios = _ratios(features[~is_training], weights)
        return cls(weights, float(np.quantile(ratios, 1.0 - _ALWAYS_ACCEPTED)))

    def log_acceptance(self, smiles: Sequence[str | None]) -> NDArray[np.float64]:
        """Return the logarithm of the probability to accept each of N samples at power 1, float64 (N,).

        It is 0 for what is always accepted: also what is no molecule, so that validity is not embellished.
        """
        with quiet():
            mols = [None if text is None else parse(text) for text in smiles]
        accepted = np.zeros(len(mols))
        rows = [row for row, mol in enumerate(mols) if mol is not None]
        ratios = _ratios(_features([mol for mol in mols if mol is not None]), self.weights)
        accepted[rows] = np.minimum(ratios - self.limit, 0.0)
        return accepted

    def read_and_rate(
        self, sequences: list[list[int]], read: Callable[[list[list[int]]], list[str | None]]
    ) -> list[tuple[str | None, float]]:
        """Return the molecule of each sequence, or None, with its `log_acceptance`."""
        smiles = read(sequences)
        return list(zip(smiles, self.log_acceptance(smiles).tolist(), strict=True))

    def state(self) -> dict[str, Tensor]:
        """Return the tensors to store."""
        return {"weights": torch.from_numpy(self.weights), "limit": torch.tensor(self.limit)}

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor]) -> Self:
        """Restore what `state` returned.

        Raises:
            ValueError: If the tensors have other names or shapes.
        """
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if shapes != {"weights": (N_FEATURES + 1,), "limit": ()}:
            raise ValueError(f"discriminator: expected {N_FEATURES + 1} weights and a limit, found {shapes}")
        return cls(tensors["weights"].numpy(), float(tensors["limit"]))


def accepted(
    rated: Callable[[int], Iterable[tuple[str | None, float]]], n: int, power: float, generator: torch.Generator
) -> Iterator[str | None]:
    """Yield n of a model's samples, each accepted with its probability to this power.

    Args:
        rated: Draws so many more samples, each with its `log_acceptance`.
        n: Number of samples.
        power: 1 or more corrects fully or in excess, less corrects in part.
        generator: Random number generator on the CPU.

    Raises:
        ConfigError: If hardly any is accepted.
    """
    n_rated = n_accepted = 0
    while n_accepted < n:
        if n_rated > MAX_TRIES * (n_accepted + 10):
            raise ConfigError(
                f"sample.correction: expected to accept at least one molecule in {MAX_TRIES}, found {power:g} to "
                "accept fewer; lower it"
            )
        for smiles, log_acceptance in rated(n - n_accepted):
            n_rated += 1
            if torch.rand((), generator=generator) < math.exp(power * log_acceptance):
                n_accepted += 1
                yield smiles


def features_of(smiles: Sequence[str]) -> sp.csr_matrix:
    """Return the features of N valid SMILES, float32 (N, N_FEATURES)."""
    with quiet():
        return _features([Chem.MolFromSmiles(text) for text in smiles])


def _features(mols: Sequence[Chem.Mol]) -> sp.csr_matrix:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=1, fpSize=N_BITS)
    counts = [generator.GetCountFingerprint(mol).GetNonzeroElements() for mol in mols]
    columns = np.fromiter((bit for of_one in counts for bit in of_one), np.int64)
    values = np.fromiter((n for of_one in counts for n in of_one.values()), np.float32)
    starts = np.cumsum([0, *map(len, counts)])
    substructures = sp.csr_matrix((np.log1p(values), columns, starts), shape=(len(mols), N_BITS), dtype=np.float32)
    descriptors = standard_descriptors(mols)
    # The squares tell a spread that is too wide or too narrow.
    squares = np.clip(np.square(descriptors) - 1.0, -3.0, 9.0) / 2.0
    return sp.csr_matrix(sp.hstack([substructures, sp.csr_matrix(np.hstack([descriptors, squares]))]))


def _ratios(features: sp.csr_matrix, weights: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(features @ weights[:-1], dtype=np.float64) + float(weights[-1])
