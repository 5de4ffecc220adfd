"""How well held-out molecules are reconstructed from their codes.

References:
    Lee et al., Latent Bayesian optimization via autoregressive normalizing flows, 2025, arXiv:2504.14889 (value
    discrepancy).
"""

import math
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from molvae.chem.descriptors import compute_properties
from molvae.chem.fingerprints import morgan_bits, paired_similarity
from molvae.chem.molecules import parse
from molvae.metrics.definitions import DISCREPANCIES
from molvae.metrics.intervals import wilson_interval
from molvae.metrics.metric import Metric
from molvae.metrics.registry import measured
from molvae.model.model import MolVAE
from molvae.nn.inference import teacher_forced, unconditional_nll
from molvae.nn.tokens import TokenStore

MAX_SIZE_BINS = 8


def reconstruct(model: MolVAE, smiles: list[str], codes: torch.Tensor, n_jobs: int = 1) -> pd.DataFrame:
    """Decode each molecule's posterior mean greedily, without teacher forcing, and compare.

    Args:
        model: The model.
        smiles: N canonical SMILES.
        codes: Their posterior means, float32 (N, D).
        n_jobs: Number of processes.

    Returns:
        A row for each molecule: smiles, decoded (empty if no molecule), exact (the same canonical SMILES), similarity
        (Tanimoto, ECFP4 of 2,048 bits).
    """
    decoded = [text or "" for text in model.generate(codes, n_jobs=n_jobs)]
    similarity = paired_similarity(*(morgan_bits(texts, 2048, n_jobs=n_jobs) for texts in (smiles, decoded)))
    exact = [before == after for before, after in zip(smiles, decoded, strict=True)]
    return pd.DataFrame({"smiles": smiles, "decoded": decoded, "exact": exact, "similarity": similarity.round(4)})


def teacher_forced_metrics(model: MolVAE, store: TokenStore, codes: torch.Tensor) -> dict[str, Metric]:
    """Return the metrics of teacher-forced decoding of N held-out molecules from their posterior means, (N, D)."""
    n, n_tokens = len(store), int(store.lengths.sum())
    nll, n_right = teacher_forced(model.vae, store, codes)
    return {
        "token_accuracy": measured("token_accuracy", float(n_right.sum() / store.lengths.sum()), n_tokens),
        "reconstruction_nats": measured("reconstruction_nats", float(nll.mean()), n),
        "unconditional_nats": measured("unconditional_nats", float(unconditional_nll(model.vae, store).mean()), n),
    }


def reconstruction_metrics(table: pd.DataFrame) -> dict[str, Metric]:
    """Return the metrics of reconstruction without teacher forcing, from the table of `reconstruct`."""
    n = len(table)
    return {
        "exact_reconstruction": measured("exact_reconstruction", float(table["exact"].mean()), n),
        "reconstruction_similarity": measured("reconstruction_similarity", float(np.mean(table["similarity"])), n),
    }


def value_discrepancies(table: pd.DataFrame, n_jobs: int) -> dict[str, Metric]:
    """Return the mean change of properties by encoding and decoding, |f(x) - f(decode(encode(x)))|.

    It bounds what any search that scores codes can reach. Reconstructions that are not molecules are left out.

    Args:
        table: From `reconstruct`.
        n_jobs: Number of processes.
    """
    before = compute_properties(table["smiles"].tolist(), DISCREPANCIES, n_jobs)
    after = before.copy()
    changed = np.flatnonzero(~table["exact"])
    after.iloc[changed] = compute_properties(table["decoded"].iloc[changed].tolist(), DISCREPANCIES, n_jobs)
    metrics = {}
    for prop in DISCREPANCIES:
        shift = (before[prop] - after[prop]).abs().dropna()
        spread = float(before[prop].max() - before[prop].min())
        value = float(shift.mean()) / spread if len(shift) and spread > 0.0 else math.nan
        name = f"value_discrepancy_{prop}"
        metrics[name] = measured(name, value, len(shift))
    return metrics


def reconstruction_by_size(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the fraction of exact reconstructions for bins of molecules of similar size.

    Returns:
        For each of at most 8 bins of about equally many molecules: `heavy_atoms_from` and `heavy_atoms_to` (both
        included), `exact` with its 95 % Wilson interval `low` to `high`, and `n`.
    """
    heavy_atoms = np.array([mol.GetNumHeavyAtoms() for mol in map(parse, table["smiles"]) if mol is not None])
    exact = table["exact"].to_numpy(dtype=bool)
    rows = []
    for first, last in _integer_bins(heavy_atoms, MAX_SIZE_BINS):
        inside = (heavy_atoms >= first) & (heavy_atoms <= last)
        n, n_exact = int(inside.sum()), int(exact[inside].sum())
        low, high = wilson_interval(n_exact / n, n) or (math.nan, math.nan)
        rows.append(
            {"heavy_atoms_from": first, "heavy_atoms_to": last, "exact": n_exact / n, "low": low, "high": high, "n": n}
        )
    return rows


def _integer_bins(values: NDArray[np.int64], max_bins: int) -> list[tuple[int, int]]:
    """Return the first and the last number of each of at most `max_bins` bins of about equally many integers."""
    quantiles = np.quantile(values, np.linspace(0.0, 1.0, max_bins + 1)[1:], method="inverted_cdf")
    lasts = np.unique(quantiles.astype(int)).tolist()
    firsts = [int(values.min()), *(last + 1 for last in lasts[:-1])]
    return list(zip(firsts, lasts, strict=True))
