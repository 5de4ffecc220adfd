"""A Gaussian mixture, fitted to the encoded training set."""

from typing import Self

import torch
from torch import Tensor

from molvae.config import TrainConfig
from molvae.priors.base import PRIORS, Prior
from molvae.seeding import derive_seed

# Codes that the mixture is fitted to: enough for full covariances of the usual sizes; more only take longer.
MAX_CODES = 20_000


@PRIORS.register("gaussian_mixture")
class GaussianMixturePrior(Prior):
    """K Gaussians with full covariances over D dimensions.

    Attributes:
        weights: Mixture weights, float32 (K,).
        means: Means, float32 (K, D).
        factors: Lower Cholesky factors of the covariances, float32 (K, D, D).
    """

    title = "Gaussian mixture"
    phrase = "the Gaussian mixture prior"

    def __init__(self, weights: Tensor, means: Tensor, factors: Tensor) -> None:
        """Store the parameters."""
        self.weights = weights
        self.means = means
        self.factors = factors
        self.latent_dim = means.shape[1]

    @classmethod
    def fit(cls, codes: Tensor, config: TrainConfig, seed: int) -> Self:
        """Fit to the first 20,000 codes of (N, D) by scikit-learn's expectation maximisation."""
        from sklearn.mixture import GaussianMixture

        codes = codes[:MAX_CODES].cpu()
        # A full covariance needs more codes than it has dimensions.
        n_components = max(1, min(config.prior_components, len(codes) // (2 * codes.shape[1])))
        mixture = GaussianMixture(
            n_components, reg_covar=1e-4, max_iter=30, tol=1e-2, random_state=derive_seed(seed, "mixture") % 2**32
        )
        mixture.fit(codes.double().numpy())
        factors = torch.linalg.cholesky(torch.from_numpy(mixture.covariances_))
        return cls(
            torch.from_numpy(mixture.weights_).float(), torch.from_numpy(mixture.means_).float(), factors.float()
        )

    def sample(self, n: int, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Sample codes, float32 (n, D)."""
        cumulative = self.weights.double().cumsum(0)
        component = torch.searchsorted(cumulative, torch.rand(n, generator=generator).double() * cumulative[-1])
        noise = temperature * torch.randn(n, self.means.shape[1], generator=generator)
        codes = torch.empty_like(noise)
        for k in range(len(self.weights)):
            rows = component == k
            codes[rows] = self.means[k] + noise[rows] @ self.factors[k].T
        return codes

    def state(self) -> dict[str, Tensor]:
        """Return weights (K,), means (K, D) and Cholesky factors (K, D, D)."""
        return {"weights": self.weights, "means": self.means, "factors": self.factors}

    @classmethod
    def from_state(cls, state: dict[str, Tensor]) -> Self:
        """Restore the prior from the weights, means and factors of `state()`, in the same shapes."""
        n_components, latent_dim = state["means"].shape
        shapes = [tuple(state[name].shape) for name in ("weights", "factors")]
        if shapes != [(n_components,), (n_components, latent_dim, latent_dim)]:
            raise ValueError(f"expected weights and factors of {n_components} components, found the shapes {shapes}")
        return cls(state["weights"], state["means"], state["factors"])
