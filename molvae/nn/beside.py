"""Write sequences for codes beside those of molecules: between two of them, or some way off one.

There the decoder meets codes that it did not see in training, and what it writes greedily from them is less like the
training set than what it writes from codes of molecules. Two things bring it back: the decoder without a code has a say
in each token, and of several draws around a code the one is kept that is the likeliest without a code.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from molvae.chem.vocabulary import PAD_ID
from molvae.nn.losses import sequence_nats
from molvae.nn.vae import VAE

N_CANDIDATES = 8
LEAST_CODE_WEIGHT = 0.5


@torch.no_grad()
def write_beside(
    vae: VAE, z: Tensor, noise: Tensor, away: Tensor, max_length: int, generator: torch.Generator
) -> Tensor:
    """Return for each code the likeliest of eight sequences from around it.

    Args:
        vae: Networks that were trained with code dropout.
        z: Codes, float (B, D).
        noise: Standard deviation of the draws around each code, in each dimension, float (B,).
        away: How far each code is from those of molecules, from 0 (on one) to 1 (on none), float (B,). It sets the say
            of the decoder without a code: from none to half.
        max_length: Most tokens of a sequence, its end token included.
        generator: Source of the draws, on the device of z.

    Returns:
        Token ids, int64 (B, max_length), padded.
    """
    code_weight = 1.0 - (1.0 - LEAST_CODE_WEIGHT) * away
    kept = torch.full((len(z), max_length), PAD_ID, device=z.device)
    lowest = torch.full((len(z),), torch.inf, device=z.device)
    for _ in range(N_CANDIDATES):
        draw = torch.randn(z.shape, generator=generator, device=z.device)
        written = vae.decoder.generate(z + noise[:, None] * draw, max_length, code_weight=code_weight)
        nats = sequence_nats(vae.logits(written, torch.zeros_like(z)), written)
        per_token = nats / (written != PAD_ID).sum(1)
        better = per_token < lowest
        lowest = torch.where(better, per_token, lowest)
        kept[better] = F.pad(written, (0, max_length - written.shape[1]), value=PAD_ID)[better]
    return kept
