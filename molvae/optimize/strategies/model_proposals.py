"""Molecules that a model proposes around the best ones of a search."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from molvae.config import LatentSearchConfig
from molvae.model.interpolation import MAX_RADIUS, LatentRegion
from molvae.model.model import MolVAE


def propose(
    model: MolVAE, parents: Sequence[str], settings: LatentSearchConfig, generator: torch.Generator
) -> Iterator[tuple[str, str]]:
    """Yield new molecules, each with the name of its origin, duplicates included.

    - `perturb`: decoded from a perturbed code of a parent;
    - `cross`: decoded from between the codes of two parents;
    - `prior`: sampled from the decoder unconditionally.

    Args:
        model: The model, perhaps trained further on the best molecules.
        parents: Molecules to begin from; one that was drawn several times is used as often.
        settings: How many of each, and how far from the parents.
        generator: Random number generator on the CPU.
    """
    codes = _codes(model, parents)
    regions: list[tuple[str, LatentRegion]] = []
    if len(codes) and settings.n_perturbed:
        regions.append(("perturb", _around(codes[: settings.n_perturbed], settings, generator)))
    if len(codes) and settings.n_interpolated:
        ends = codes[torch.randint(len(codes), (2, settings.n_interpolated), generator=generator)]
        t = torch.rand(settings.n_interpolated, generator=generator)
        regions.append(("cross", LatentRegion.between(ends[0], ends[1], t)))
    for origin, region in regions:
        decoded = model.generate(region.sample(generator), code_weight=region.code_weight)
        yield from ((smiles, origin) for smiles in decoded if smiles is not None)
    if settings.n_sampled:
        decoded = model.generate(torch.zeros(settings.n_sampled, model.latent_dim), 1.0, generator)
        yield from ((smiles, "prior") for smiles in decoded if smiles is not None)


def _codes(model: MolVAE, parents: Sequence[str]) -> Tensor:
    """Return the codes of the parents that the model can encode, float32 (N, D)."""
    distinct = list(dict.fromkeys(parents))
    rows = {smiles: row for row, smiles in enumerate(distinct)}
    codes = torch.from_numpy(model.encode(distinct))[[rows[smiles] for smiles in parents]]
    return codes[torch.isfinite(codes).all(1)]


def _around(codes: Tensor, settings: LatentSearchConfig, generator: torch.Generator) -> LatentRegion:
    low, high = settings.min_radius, settings.max_radius
    radii = low + (high - low) * torch.rand(len(codes), generator=generator)
    return LatentRegion(codes, radii, (radii / MAX_RADIUS).clamp(max=1.0))
