"""Regions of the latent space between molecules and around them.

There the decoder meets codes that it did not see in training, and its greedy output is less like the training set than
that of the codes of molecules. Three corrections: a code between two others has a norm between theirs (the mean of two
codes is shorter than those of molecules; White, arXiv:1609.04468); the unconditional decoder contributes to each token;
and of several candidates from around a code, `MolVAE.decode_region` keeps the most probable one unconditionally.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

N_CANDIDATES = 12
MIN_CODE_WEIGHT = 0.5
# Standard deviation of the noise around the middle of a line between two codes; about that of a posterior.
LINE_NOISE = 0.4
# Standard deviation of the noise around a molecule's code at which the code hardly determines the molecule any more.
MAX_RADIUS = 0.5


@dataclass(frozen=True)
class LatentRegion:
    """Normal distributions around N codes.

    Attributes:
        centres: float32 (N, D).
        noise: Standard deviation in each dimension, float32 (N,).
        distance: How far the codes are from those of molecules, from 0 to 1, float32 (N,): at 0 the conditional decoder
            decides alone, at 1 the unconditional one has the same weight.
    """

    centres: Tensor
    noise: Tensor
    distance: Tensor

    @classmethod
    def between(cls, start: Tensor, end: Tensor, t: Tensor) -> "LatentRegion":
        """Return the region around points of the lines between pairs of codes of molecules.

        Args:
            start: float32 (N, D) or (D,).
            end: Likewise.
            t: Position on the line, from 0 (start) to 1 (end), float32 (N,).
        """
        distance = 2.0 * torch.minimum(t, 1.0 - t)
        return cls(interpolated(start, end, t[:, None]), LINE_NOISE * distance, distance)

    @classmethod
    def around(cls, codes: Tensor, radius: float) -> "LatentRegion":
        """Return the region around codes of molecules.

        Args:
            codes: float32 (N, D).
            radius: Standard deviation of the noise in each dimension.
        """
        noise = torch.full((len(codes),), radius)
        return cls(codes, noise, (noise / MAX_RADIUS).clamp(max=1.0))

    @property
    def code_weight(self) -> Tensor:
        """Weight of the conditional log-probabilities of each token (see `Decoder.generate`), float32 (N,)."""
        return 1.0 - (1.0 - MIN_CODE_WEIGHT) * self.distance

    def sample(self, generator: torch.Generator) -> Tensor:
        """Sample a code from each distribution, float32 (N, D), with a generator on the CPU."""
        return self.centres + self.noise[:, None] * torch.randn(self.centres.shape, generator=generator)


def interpolated(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """Return codes on the lines between pairs of codes, with their norms interpolated too, float32 (N, D).

    Args:
        start: float32 (N, D) or (D,).
        end: Likewise.
        t: Position on the line, from 0 (start) to 1 (end), float32 (N, 1).
    """
    line = torch.lerp(start, end, t)
    norm = torch.lerp(start.norm(dim=-1, keepdim=True), end.norm(dim=-1, keepdim=True), t)
    code: Tensor = line * (norm / line.norm(dim=-1, keepdim=True).clamp(min=1e-6))
    return code
