"""How well held-out molecules survive the way through the latent space."""

import math
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest

from molvae.chem.descriptors import PROPERTIES, compute_properties
from molvae.chem.fingerprints import morgan_bits, paired_similarity
from molvae.chem.molecules import parse
from molvae.metrics.metric import Metric
from molvae.model.model import MolVAE
from molvae.nn.inference import teacher_forced, unconditional_nll
from molvae.nn.tokens import TokenStore

LENGTH_BINS = 8
DISCREPANCIES = ("logp", "qed")
"""Properties whose value discrepancy is measured."""


def reconstruct(model: MolVAE, smiles: list[str], codes: torch.Tensor) -> pd.DataFrame:
    """Decode each molecule's posterior mean, freely running and greedily, and compare.

    Args:
        model: The model.
        smiles: N canonical SMILES.
        codes: Their posterior means, float32 (N, D).

    Returns:
        A row a molecule: smiles, decoded (empty if no molecule), exact (the same canonical SMILES), similarity
        (Tanimoto of 2,048-bit ECFP4).
    """
    decoded = [each or "" for each in model.decode(codes.numpy())]
    similarity = paired_similarity(morgan_bits(smiles, 2048), morgan_bits(decoded, 2048))
    exact = [before == after for before, after in zip(smiles, decoded, strict=True)]
    return pd.DataFrame({"smiles": smiles, "decoded": decoded, "exact": exact, "similarity": similarity.round(4)})


def teacher_forced_metrics(model: MolVAE, store: TokenStore, codes: torch.Tensor) -> dict[str, Metric]:
    """Return the figures of teacher-forced decoding of N held-out molecules from their posterior means, (N, D)."""
    n = len(store)
    nll, n_right = teacher_forced(model.vae, store, codes)
    return {
        "token_accuracy": Metric(
            float(n_right.sum() / store.lengths.sum()),
            int(store.lengths.sum()),
            "Share of the tokens (n of them, ends included) that are the likeliest, given the true tokens before and "
            "the posterior mean. This is not reconstruction.",
        ),
        "reconstruction_nats": Metric(
            float(nll.mean()), n, "Mean cross-entropy of a molecule, decoded from its posterior mean, in nats."
        ),
        "unconditional_nats": Metric(
            float(unconditional_nll(model.vae, store).mean()),
            n,
            "Mean cross-entropy of a molecule under the decoder without a code, in nats.",
        ),
    }


def reconstruction_metrics(table: pd.DataFrame) -> dict[str, Metric]:
    """Return the figures of free-running reconstruction."""
    return {
        "exact_reconstruction": Metric(
            float(table["exact"].mean()),
            len(table),
            "Share of held-out molecules whose posterior mean decodes, greedily and freely running, to the same "
            "canonical SMILES.",
        ),
        "reconstruction_similarity": Metric(
            float(np.mean(table["similarity"])),
            len(table),
            "Mean ECFP4 Tanimoto similarity of held-out molecules to what their posterior mean decodes to.",
        ),
    }


def value_discrepancies(table: pd.DataFrame, n_jobs: int) -> dict[str, Metric]:
    """Return how far properties move on the way through the latent space: mean |f(x) - f(decode(encode(x)))|.

    It bounds what any search that scores codes can reach. A reconstruction that is no molecule is left out.

    References:
        Lee et al., Latent Bayesian optimization via autoregressive normalizing flows, 2025, arXiv:2504.14889.
    """
    before = compute_properties(table["smiles"].tolist(), DISCREPANCIES, n_jobs)
    after = before.copy()
    changed = np.flatnonzero(~table["exact"])
    after.iloc[changed] = compute_properties(table["decoded"].iloc[changed].tolist(), DISCREPANCIES, n_jobs)
    figures = {}
    for name in DISCREPANCIES:
        shift = (before[name] - after[name]).abs().dropna()
        spread = float(before[name].max() - before[name].min())
        figures[f"value_discrepancy_{name}"] = Metric(
            float(shift.mean()) / spread if len(shift) and spread > 0.0 else math.nan,
            len(shift),
            f"Mean change of {PROPERTIES[name].title} from a held-out molecule to what its posterior mean decodes to, "
            "divided by the range of the held-out molecules; 0 is best.",
        )
    return figures


def reconstruction_by_size(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the share of exact reconstructions for bins of molecules of similar size.

    Returns:
        For each of at most 8 bins of about as many molecules: `heavy_atoms_from` and `heavy_atoms_to` (both
        included), `exact` with its 95 % Wilson interval `low` to `high`, and `n`.
    """
    heavy_atoms = np.array([mol.GetNumHeavyAtoms() for mol in map(parse, table["smiles"]) if mol is not None])
    exact = table["exact"].to_numpy(dtype=bool)
    rows = []
    for first, last in _bins_of_whole_numbers(heavy_atoms, LENGTH_BINS):
        inside = (heavy_atoms >= first) & (heavy_atoms <= last)
        n, n_exact = int(inside.sum()), int(exact[inside].sum())
        interval = binomtest(n_exact, n).proportion_ci(method="wilson")
        rows.append(
            {
                "heavy_atoms_from": first,
                "heavy_atoms_to": last,
                "exact": n_exact / n,
                "low": float(interval.low),
                "high": float(interval.high),
                "n": n,
            }
        )
    return rows


def _bins_of_whole_numbers(values: NDArray[np.int64], most: int) -> list[tuple[int, int]]:
    """Cut whole numbers into at most `most` bins of about as many values: first and last number of each."""
    quantiles = np.quantile(values, np.linspace(0.0, 1.0, most + 1)[1:], method="inverted_cdf")
    lasts = np.unique(quantiles.astype(int)).tolist()
    firsts = [int(values.min()), *(last + 1 for last in lasts[:-1])]
    return list(zip(firsts, lasts, strict=True))
