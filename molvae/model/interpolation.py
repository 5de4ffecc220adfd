"""Decode codes beside those of molecules: between two of them, or some way off one.

There the decoder meets codes that it did not see in training, and what it writes greedily from them is less like the
training set than what it writes from codes of molecules. Three things bring it back: a code between two others is as
long as they are (the mean of two codes is shorter than those of molecules; White, arXiv:1609.04468), the decoder
without a code has a say in each token, and of several draws around a code the molecule is kept that is the likeliest
without a code.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from molvae.model.model import MolVAE

N_CANDIDATES = 12
MIN_CODE_WEIGHT = 0.5
# Of the draws around the middle of a line between two codes; about the spread of a posterior.
LINE_NOISE = 0.4
# Standard deviation of the noise around a molecule's code at which a code is no molecule's any more.
FAR = 0.5


def decode_line(
    model: "MolVAE", start: Tensor, end: Tensor, share: Tensor, generator: torch.Generator
) -> list[str | None]:
    """Decode codes on the way between pairs of codes, in direction and in length.

    Args:
        model: The model.
        start: Codes of molecules, float32 (N, D) or (D,).
        end: Likewise.
        share: Share of the way from start to end, from 0 to 1, float32 (N,). At either end the code alone decides.
        generator: Source of the draws, on the CPU.

    Returns:
        N canonical SMILES, with None where no molecule came out.
    """
    away = 2.0 * torch.minimum(share, 1.0 - share)
    return _likeliest(model, between(start, end, share[:, None]), LINE_NOISE * away, away, generator)


def between(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    """Return codes on the lines between pairs of codes, made as long as the share asks, float32 (N, D).

    Args:
        start: float32 (N, D) or (D,).
        end: Likewise.
        share: Share of the way from start to end, from 0 to 1, float32 (N, 1).
    """
    line = torch.lerp(start, end, share)
    length = torch.lerp(start.norm(dim=-1, keepdim=True), end.norm(dim=-1, keepdim=True), share)
    code: Tensor = line * (length / line.norm(dim=-1, keepdim=True).clamp(min=1e-6))
    return code


def decode_around(model: "MolVAE", codes: Tensor, radius: float, generator: torch.Generator) -> list[str | None]:
    """Decode draws around codes of molecules.

    Args:
        model: The model.
        codes: float32 (N, D).
        radius: Standard deviation of the noise in each dimension.
        generator: Source of the draws, on the CPU.

    Returns:
        N canonical SMILES, with None where no molecule came out.
    """
    noise = torch.full((len(codes),), radius)
    return _likeliest(model, codes, noise, (noise / FAR).clamp(max=1.0), generator)


def _likeliest(
    model: "MolVAE", codes: Tensor, noise: Tensor, away: Tensor, generator: torch.Generator
) -> list[str | None]:
    """Return the likeliest of some molecules from around each code.

    `noise` is the standard deviation of the draws, and `away` how far a code is from those of molecules, from 0 to 1,
    both float32 (N,). Without an unconditional decoder, which tells what is likely, there is one draw for each code.
    """

    def near() -> Tensor:
        return codes + noise[:, None] * torch.randn(codes.shape, generator=generator)

    if model.training["code_dropout"] == 0.0:
        return model.generate(near())
    code_weight = 1.0 - (1.0 - MIN_CODE_WEIGHT) * away
    candidates = [model.generate(near(), code_weight=code_weight) for _ in range(N_CANDIDATES)]
    scores = [model.anomaly_score([smiles or "" for smiles in each]) for each in candidates]
    best = np.argmin(np.nan_to_num(scores, nan=np.inf), axis=0)
    return [candidates[number][row] for row, number in enumerate(best)]
