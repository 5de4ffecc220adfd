"""The molecules that codes decode to, at the codes of held-out molecules, around them and between them.

Decoded posterior samples of held-out molecules are the bound for every prior over codes: a prior that matched the
distribution of codes exactly would give molecules like these. Codes around and between those of molecules show how
much of the latent space decodes to realistic molecules, which interpolation and local search rely on.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molvae.chem.fcd import Moments, activations_of_many, frechet_distance, moments
from molvae.chem.fingerprints import PackedBits, morgan_bits, paired_similarity
from molvae.log import logger
from molvae.metrics.metric import Metric
from molvae.metrics.registry import measured
from molvae.metrics.sets import fraction
from molvae.model.interpolation import LatentRegion
from molvae.model.model import MolVAE
from molvae.seeding import derive_seed, torch_generator

RADII = (0.25, 0.5, 1.0)
"""Standard deviations, in each dimension, of the noise that is added to a code for its neighbours."""


@dataclass(frozen=True)
class Decoded:
    """Molecules decoded from one kind of code.

    Attributes:
        smiles: A molecule for each code; None where it decodes to none.
        origins: The molecules from whose codes the codes were made, in the order of `smiles`: one sequence for
            neighbours, two for midpoints, none for samples of a prior.
    """

    smiles: Sequence[str | None]
    origins: tuple[Sequence[str], ...] = ()


class _Descriptions(NamedTuple):
    """What is computed once for each distinct molecule: row, activations, anomaly score, ECFP4 (2,048 bits)."""

    rows: dict[str, int]
    activations: NDArray[np.float32]
    anomaly: NDArray[np.float64] | None
    bits: PackedBits


def decoded_metrics(
    model: MolVAE, held_out: list[str], codes: tuple[Tensor, Tensor], reference: Moments, seed: int, n_jobs: int
) -> dict[str, dict[str, Metric]]:
    """Measure the molecules that several kinds of codes decode to, as many of each as there are held-out molecules.

    Args:
        model: The model.
        held_out: N canonical SMILES, in random order.
        codes: Means and log-variances of their posteriors, float32 (N, D) each.
        reference: Moments of the ChemNet activations of other held-out molecules.
        seed: Seed of all draws.
        n_jobs: Number of processes.

    Returns:
        For each kind of code its metrics: `validity`, `fcd`, `anomaly` (where the model has an unconditional decoder)
        and `similarity` (where the codes were made from those of molecules). The kinds are `held_out` (the molecules
        themselves), `posterior_means`, `posterior_samples`, `midpoints`, `interpolated` (between the same pairs, as
        `MolVAE.interpolate` does it), `neighbors_<radius>`, and `prior`, the model's own. All are decoded greedily but
        `interpolated` and `prior`.
    """
    sets = _decode(model, held_out, *codes, seed, n_jobs)
    distinct = list(dict.fromkeys(text for kind in sets.values() for text in kind.smiles if text is not None))
    descriptions = _Descriptions(
        {smiles: row for row, smiles in enumerate(distinct)},
        activations_of_many(distinct, n_jobs),
        model.score_inputs(model.read(distinct, n_jobs)) if model.has_unconditional_decoder else None,
        morgan_bits(distinct, 2048, n_jobs=n_jobs),
    )
    metrics = {name: _measure(kind, descriptions, reference) for name, kind in sets.items()}
    for name, of_kind in metrics.items():
        logger.info("%s: FCD %.2f of %d", name.replace("_", " "), of_kind["fcd"].value, of_kind["fcd"].n)
    return metrics


def _decode(
    model: MolVAE, held_out: list[str], mu: Tensor, log_var: Tensor, seed: int, n_jobs: int
) -> dict[str, Decoded]:
    generator = torch_generator(seed, "evaluate codes")

    def noise() -> Tensor:
        return torch.randn(mu.shape, generator=generator)

    def from_codes(codes: Tensor, *origins: Sequence[str]) -> Decoded:
        return Decoded(model.generate(codes, n_jobs=n_jobs), origins or (held_out,))

    # The molecules are in random order, so the next one is a random partner.
    partners = [*held_out[1:], held_out[0]]
    mu_of_partners = mu.roll(-1, 0)
    halfway = LatentRegion.between(mu, mu_of_partners, torch.full((len(mu),), 0.5))
    interpolated = model.decode_region(halfway, generator, n_jobs)
    return {
        "held_out": Decoded(held_out),
        "posterior_means": from_codes(mu),
        "posterior_samples": from_codes(mu + noise() * torch.exp(0.5 * log_var)),
        "midpoints": from_codes(torch.lerp(mu, mu_of_partners, 0.5), held_out, partners),
        "interpolated": Decoded(interpolated, (held_out, partners)),
        **{f"neighbors_{radius:g}": from_codes(mu + radius * noise()) for radius in RADII},
        "prior": Decoded(model.sample(len(held_out), derive_seed(seed, "evaluate prior"), n_jobs=n_jobs)),
    }


def _measure(decoded: Decoded, known: _Descriptions, reference: Moments) -> dict[str, Metric]:
    valid = [index for index, smiles in enumerate(decoded.smiles) if smiles is not None]
    rows = np.array([known.rows[str(decoded.smiles[index])] for index in valid], dtype=np.int64)
    # Without two molecules there is no covariance, so no distance.
    fcd = frechet_distance(moments([known.activations[rows]]), reference) if len(rows) > 1 else math.nan
    n_codes = len(decoded.smiles)
    metrics = {
        "validity": measured("validity", fraction(len(rows), n_codes), n_codes),
        "fcd": measured("fcd", fcd, len(rows), n_reference=reference.n),
    }
    if known.anomaly is not None:
        scores = known.anomaly[rows]
        scores = scores[np.isfinite(scores)]
        metrics["anomaly"] = measured("anomaly", float(scores.mean()) if len(scores) else math.nan, len(scores))
    if decoded.origins:
        origins = [[known.rows[smiles[index]] for index in valid] for smiles in decoded.origins]
        similarity = [paired_similarity(known.bits[rows], known.bits[origin]) for origin in origins]
        mean = float(np.mean(similarity)) if len(rows) else math.nan
        metrics["similarity"] = measured("similarity", mean, len(rows))
    return metrics


def gaps(decoded: Mapping[str, Mapping[str, Metric]]) -> dict[str, Metric]:
    """Return the FCD of prior samples, midpoints and interpolation, relative to that of decoded posterior samples."""
    bound = decoded["posterior_samples"]["fcd"].value

    def gap(name: str, kind: str) -> Metric:
        fcd = decoded[kind]["fcd"]
        return measured(name, fcd.value / bound if bound > 0.0 else math.nan, fcd.n)

    kinds = {"prior_gap": "prior", "midpoint_gap": "midpoints", "interpolation_gap": "interpolated"}
    return {name: gap(name, kind) for name, kind in kinds.items()}
