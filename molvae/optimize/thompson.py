"""Thompson sampling with a Gaussian process of BoTorch. Imported only by what needs it: BoTorch is an extra."""

import warnings

import torch
from botorch.exceptions import BotorchWarning, ModelFittingError
from botorch.fit import fit_gpytorch_mll
from botorch.generation import MaxPosteriorSampling
from botorch.models import SingleTaskGP
from gpytorch.mlls import ExactMarginalLogLikelihood
from linear_operator.utils.warnings import NumericalWarning
from torch import Tensor

# Enough for the hyperparameters to settle: what follows hardly changes them, but takes most of the time.
_MAX_ITERATIONS = 50


def fit_gp(codes: Tensor, scores: Tensor) -> SingleTaskGP:
    """Fit a Gaussian process with a length scale for each dimension.

    Args:
        codes: About in the unit cube, float64 (N, D).
        scores: float64 (N,).

    Returns:
        The model; with the hyperparameters of its priors' modes if the fit fails, as it does on constant scores.

    References:
        Hvarfner, Hellsten and Nardi, Vanilla Bayesian optimization performs great in high dimensions, ICML 2024,
        arXiv:2402.02229 (the priors of the length scales, which BoTorch has by default).
    """
    with warnings.catch_warnings():
        _ignore_numerical_warnings()
        model = SingleTaskGP(codes, scores[:, None])
        likelihood = ExactMarginalLogLikelihood(model.likelihood, model)
        try:
            fit_gpytorch_mll(likelihood, optimizer_kwargs={"options": {"maxiter": _MAX_ITERATIONS}})
        except ModelFittingError:
            model = SingleTaskGP(codes, scores[:, None])
    return model.eval()


def length_scales(model: SingleTaskGP) -> Tensor:
    """Return the length scale of each dimension, float64 (D,)."""
    kernel = model.covar_module
    # A kernel with a separate amplitude wraps the one that has the length scales.
    scales: Tensor = getattr(kernel, "base_kernel", kernel).lengthscale.detach().reshape(-1)
    return scales


def thompson_sample(model: SingleTaskGP, candidates: Tensor, n: int) -> Tensor:
    """Return the n distinct candidates that are the best of one draw of the posterior each, float64 (n, D).

    Draws from torch's global generator.
    """
    with warnings.catch_warnings(), torch.no_grad():
        _ignore_numerical_warnings()
        samples: Tensor = MaxPosteriorSampling(model, replacement=False)(candidates, num_samples=n)
    return samples


def _ignore_numerical_warnings() -> None:
    """Ignore the warnings of inputs a little outside the unit cube, of jitter, and of a fit that stops early."""
    warnings.simplefilter("ignore", BotorchWarning)
    warnings.simplefilter("ignore", NumericalWarning)
