"""The recurrent encoder: token ids to the mean and log-variance of the code's posterior."""

import torch
from torch import Tensor, nn

from molvae.config import ModelConfig
from molvae.nn.cells import activation, recurrent_layer

# Outside this range exp(log_var) is numerically 0 or larger than that of any useful posterior.
LOG_VAR_RANGE = (-12.0, 4.0)


class Encoder(nn.Module):
    """Encodes a sequence, in one or both directions, as a Gaussian posterior over its code.

    The head reads each direction's last state and the mean of all states: an untrained recurrent network forgets the
    first tokens of a sequence, and the mean lets them contribute from the first training step on.

    Padding has no effect: each direction starts at a real token, and only states of real tokens are used. (Packed
    sequences would do the same, at less than half the speed on a CPU.)
    """

    def __init__(self, config: ModelConfig) -> None:
        """Make the layers for a configuration."""
        super().__init__()
        self.directions = 2 if config.bidirectional else 1
        width = config.encoder_hidden * self.directions
        self.layers = nn.ModuleList()
        for number in range(config.encoder_layers):
            size = config.embedding_dim if number == 0 else width
            self.layers.append(
                nn.ModuleList(recurrent_layer(config, size, config.encoder_hidden) for _ in range(self.directions))
            )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Sequential(
            nn.Linear(2 * width, width), activation(config), self.dropout, nn.Linear(width, 2 * config.latent_dim)
        )

    def forward(self, embedded: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the posterior's parameters.

        Args:
            embedded: Embedded tokens, float (T, B, E).
            lengths: Tokens in each sequence, int64 (B,), at least 1.

        Returns:
            Mean and log-variance, float (B, D) each.
        """
        steps = torch.arange(len(embedded), device=embedded.device)[:, None]
        backwards = lengths - 1 - steps  # (T, B)
        order = torch.where(backwards >= 0, backwards, steps)  # its own inverse
        directions: list[Tensor] = []
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, nn.ModuleList)
            inputs = embedded
            if number:
                # The second direction's states are in the order in which it read the tokens.
                forwards, *others = directions
                inputs = self.dropout(torch.cat([forwards, *(reorder(states, order) for states in others)], dim=2))
            directions = [layer[0](inputs)[0]]  # (T, B, H)
            if self.directions == 2:
                directions.append(layer[1](reorder(inputs, order))[0])
        # Either direction reads its last real token at step length - 1, and their mean does not depend on the order.
        rows = torch.arange(len(lengths), device=lengths.device)
        last = [states[lengths - 1, rows] for states in directions]
        is_real = (backwards >= 0).unsqueeze(2)  # (T, B, 1)
        mean = [(states * is_real).sum(0) / lengths[:, None].to(states.dtype) for states in directions]
        mu, log_var = self.head(torch.cat([*last, *mean], dim=1)).float().chunk(2, dim=1)
        return mu, log_var.clamp(*LOG_VAR_RANGE)


def reorder(states: Tensor, order: Tensor) -> Tensor:
    """Return `states`, (T, B, H), with the steps of each sequence permuted by `order`, int64 (T, B)."""
    n = order.shape[1]
    # Whole rows: a gather over the last axis as well takes several times as long.
    rows = order * n + torch.arange(n, device=order.device)
    return states.flatten(0, 1).index_select(0, rows.flatten()).view_as(states)
