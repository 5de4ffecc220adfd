"""How well held-out molecules survive the way through the latent space."""

import numpy as np
import pandas as pd
import torch

from molvae.chem.fingerprints import morgan_bits, paired_similarity
from molvae.figures import Figure
from molvae.model import MolVAE
from molvae.nn.losses import kl_to_standard_normal
from molvae.nn.tokens import TokenStore

ACTIVE_VARIANCE = 0.01


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


def latent_figures(model: MolVAE, store: TokenStore, mu: torch.Tensor, log_var: torch.Tensor) -> dict[str, Figure]:
    """Return the figures of the posterior and of teacher-forced decoding, on N held-out molecules.

    References:
        Burda, Grosse and Salakhutdinov, Importance weighted autoencoders, ICLR 2016, arXiv:1509.00519 (active units).
    """
    n = len(store)
    nats, n_right = model.teacher_forced(store, mu)
    kl = kl_to_standard_normal(mu, log_var)
    active = int((mu.var(0) > ACTIVE_VARIANCE).sum())
    return {
        "token_accuracy": Figure(
            float(n_right.sum() / store.lengths.sum()),
            int(store.lengths.sum()),
            "Share of the tokens (n of them, ends included) that are the likeliest, given the true tokens before and "
            "the posterior mean. This is not reconstruction.",
        ),
        "reconstruction_nats": Figure(
            float(nats.mean()), n, "Mean cross-entropy of a molecule, decoded from its posterior mean, in nats."
        ),
        "unconditional_nats": Figure(
            float(model.unconditional_nats(store).mean()),
            n,
            "Mean cross-entropy of a molecule under the decoder without a code, in nats.",
        ),
        "kl_nats": Figure(
            float(kl.sum(1).mean()), n, "Mean divergence of a molecule's posterior from N(0, I), in nats."
        ),
        "active_units": Figure(
            float(active),
            n,
            f"Latent dimensions, of {model.latent_dim}, whose posterior mean has a variance above {ACTIVE_VARIANCE}.",
        ),
    }


def reconstruction_figures(table: pd.DataFrame) -> dict[str, Figure]:
    """Return the figures of free-running reconstruction."""
    return {
        "exact_reconstruction": Figure(
            float(table["exact"].mean()),
            len(table),
            "Share of held-out molecules whose posterior mean decodes, greedily and freely running, to the same "
            "canonical SMILES.",
        ),
        "reconstruction_similarity": Figure(
            float(np.mean(table["similarity"])),
            len(table),
            "Mean ECFP4 Tanimoto similarity of held-out molecules to what their posterior mean decodes to.",
        ),
    }
