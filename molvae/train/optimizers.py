"""The optimisers of training."""

import torch
from torch import nn

from molvae.config import TrainConfig
from molvae.nn.vae import VAE


def make_optimizers(vae: VAE, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """Return Muon for each matrix between hidden states, the most expensive first, and AdamW for all other parameters.

    Muon orthogonalises the update of a matrix. After five epochs on 47,500 molecules, a GRU VAE of 1.2 million
    parameters reconstructed 59 % of the test molecules exactly, against 33 % with AdamW alone, at about a fifth more
    time per step (one seed). Embedding and output layer are matrices too, but their rows belong to single tokens, so
    they are left to AdamW. Muon's step is scaled to the size of AdamW's, so that both share one learning rate.

    References:
        Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024.
        Liu et al., Muon is scalable for LLM training, 2025, arXiv:2502.16982 (the scale of the step).
    """
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in vae.named_parameters():
        per_token = name.startswith(("embedding.", "decoder.output."))
        (matrices if parameter.ndim == 2 and not per_token else others).append(parameter)
    lr, weight_decay = config.learning_rate, config.weight_decay
    return [
        *(
            torch.optim.Muon([matrix], lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
            for matrix in sorted(matrices, key=_cost, reverse=True)
        ),
        torch.optim.AdamW(others, lr=lr, weight_decay=weight_decay, fused=True),
    ]


def _cost(matrix: nn.Parameter) -> int:
    """Return the number of operations of orthogonalising a matrix, up to a factor."""
    return matrix.numel() * min(matrix.shape)
