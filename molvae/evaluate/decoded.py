"""What codes decode to: where molecules are, around them and between them.

Decoded posterior samples of held-out molecules are the bound for every prior over codes: a prior that followed the
codes exactly would give molecules like these. Codes between and around those of molecules show how much of the space
beside them still means molecules, which is what interpolation and a search around a code rely on.
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
from molvae.model.interpolation import LatentRegion
from molvae.model.model import MolVAE
from molvae.seeding import derive_seed, torch_generator

RADII = (0.25, 0.5, 1.0)
"""Standard deviations, in each dimension, of the noise that makes neighbours of a code."""


@dataclass(frozen=True)
class Decoded:
    """Molecules of one kind.

    Attributes:
        smiles: A molecule for each code; None where there is none.
        origins: Groups of molecules whose codes the codes were made from, each in the order of `smiles`: one group
            for neighbours, two for midpoints, none for samples of a prior.
    """

    smiles: Sequence[str | None]
    origins: tuple[Sequence[str], ...] = ()


class _Known(NamedTuple):
    """What was computed once for each distinct molecule: its row, activations, nats per token, fingerprint."""

    rows: dict[str, int]
    activations: NDArray[np.float32]
    anomaly: NDArray[np.float64] | None
    bits: PackedBits


def decoded_metrics(
    model: MolVAE, held_out: list[str], codes: tuple[Tensor, Tensor], reference: Moments, seed: int, n_jobs: int
) -> dict[str, dict[str, Metric]]:
    """Measure the molecules of several kinds of codes, as many of each as there are held-out molecules.

    Args:
        model: The model.
        held_out: N canonical SMILES, in random order.
        codes: Mean and log-variance of their posteriors, float32 (N, D) each.
        reference: ChemNet statistics of other held-out molecules.
        seed: Seed of all draws.
        n_jobs: Processes for ChemNet.

    Returns:
        For each kind of code its figures: `validity`, `fcd`, `anomaly` (where the model has an unconditional decoder)
        and `similarity` (where the codes were made from those of molecules). The kinds are `held_out` (the molecules
        themselves), `posterior_means`, `posterior_samples`, `midpoints` (decoded greedily, as all but the next),
        `interpolated` (between the same pairs, as `MolVAE.interpolate` does it), `neighbors_<radius>`, and `prior`, the
        model's own.
    """
    sets = _decode(model, held_out, *codes, seed)
    distinct = list(dict.fromkeys(each for kind in sets.values() for each in kind.smiles if each is not None))
    known = _Known(
        {smiles: row for row, smiles in enumerate(distinct)},
        activations_of_many(distinct, n_jobs),
        model.anomaly_score(distinct) if model.has_unconditional_decoder else None,
        morgan_bits(distinct, 2048, n_jobs=n_jobs),
    )
    measured = {name: _measure(kind, known, reference) for name, kind in sets.items()}
    for name, figures in measured.items():
        logger.info("%s: FCD %.2f of %d", name.replace("_", " "), figures["fcd"].value, figures["fcd"].n)
    return measured


def _decode(model: MolVAE, held_out: list[str], mu: Tensor, log_var: Tensor, seed: int) -> dict[str, Decoded]:
    generator = torch_generator(seed, "evaluate codes")

    def noise() -> Tensor:
        return torch.randn(mu.shape, generator=generator)

    def from_codes(codes: Tensor, *origins: Sequence[str]) -> Decoded:
        return Decoded(model.generate(codes), origins or (held_out,))

    # The molecules are in random order, so the next one is a random partner.
    partners = [*held_out[1:], held_out[0]]
    mu_of_partners = mu.roll(-1, 0)
    halfway = LatentRegion.between(mu, mu_of_partners, torch.full((len(mu),), 0.5))
    interpolated = model.decode_region(halfway, generator)
    return {
        "held_out": Decoded(held_out),
        "posterior_means": from_codes(mu),
        "posterior_samples": from_codes(mu + noise() * torch.exp(0.5 * log_var)),
        "midpoints": from_codes(torch.lerp(mu, mu_of_partners, 0.5), held_out, partners),
        "interpolated": Decoded(interpolated, (held_out, partners)),
        **{f"neighbors_{radius:g}": from_codes(mu + radius * noise()) for radius in RADII},
        "prior": Decoded(model.sample(len(held_out), derive_seed(seed, "evaluate prior"))),
    }


def _measure(decoded: Decoded, known: _Known, reference: Moments) -> dict[str, Metric]:
    places = [place for place, smiles in enumerate(decoded.smiles) if smiles is not None]
    rows = np.array([known.rows[str(decoded.smiles[place])] for place in places], dtype=np.int64)
    # Without two molecules there is no covariance, so no distance.
    fcd = frechet_distance(moments([known.activations[rows]]), reference) if len(rows) > 1 else math.nan
    figures = {
        "validity": Metric(len(rows) / len(decoded.smiles), len(decoded.smiles), "Share that are molecules."),
        "fcd": Metric(
            fcd, len(rows), "Frechet ChemNet distance to the test split; compare at one n only.", reference.n
        ),
    }
    if known.anomaly is not None:
        scores = known.anomaly[rows]
        scores = scores[np.isfinite(scores)]
        mean = float(scores.mean()) if len(scores) else math.nan
        figures["anomaly"] = Metric(
            mean,
            len(scores),
            "Mean nats per token under the decoder without a code; higher is less like the training set.",
        )
    if decoded.origins:
        groups = [[known.rows[group[place]] for place in places] for group in decoded.origins]
        similarity = [paired_similarity(known.bits[rows], known.bits[group]) for group in groups]
        figures["similarity"] = Metric(
            float(np.mean(similarity)) if len(rows) else math.nan,
            len(rows),
            "Mean ECFP4 Tanimoto similarity to the molecule whose code it came from, or to both ends of a midpoint.",
        )
    return figures


def gaps(decoded: Mapping[str, Mapping[str, Metric]]) -> dict[str, Metric]:
    """Return how many times the FCD of decoded posterior samples those of the prior and of midpoints are."""

    def gap(name: str, what: str) -> Metric:
        fcd, bound = decoded[name]["fcd"], decoded["posterior_samples"]["fcd"]
        ratio = fcd.value / bound.value if bound.value > 0.0 else math.nan
        return Metric(
            ratio,
            fcd.n,
            f"FCD of {what}, divided by the FCD of as many decoded posterior samples of held-out molecules, the bound "
            "for a prior over codes.",
        )

    return {
        "prior_gap": gap("prior", "the chosen prior's samples"),
        "midpoint_gap": gap("midpoints", "what codes halfway between random pairs of held-out molecules decode to"),
        "interpolation_gap": gap("interpolated", "what interpolation gives halfway between the same pairs"),
    }
