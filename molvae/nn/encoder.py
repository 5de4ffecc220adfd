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
            embedded: Embedded tokens, float (B, T, E).
            lengths: Tokens in each sequence, int64 (B,), at least 1.

        Returns:
            Mean and log-variance, float (B, D) each.
        """
        steps = torch.arange(embedded.shape[1], device=embedded.device)
        backwards = lengths[:, None] - 1 - steps  # (B, T)
        order = torch.where(backwards >= 0, backwards, steps)  # its own inverse
        states = embedded
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, nn.ModuleList)
            directions = [layer[0](self.dropout(states) if number else states)[0]]  # (B, T, H)
            if self.directions == 2:
                directions.append(reorder(layer[1](reorder(states, order))[0], order))
            states = torch.cat(directions, dim=2)  # (B, T, H x directions)
        last = states[torch.arange(len(lengths), device=lengths.device), lengths - 1]
        if self.directions == 2:
            forward_size = states.shape[2] // 2
            last = torch.cat([last[:, :forward_size], states[:, 0, forward_size:]], dim=1)
        is_real = (backwards >= 0).unsqueeze(2)  # (B, T, 1)
        mean = (states * is_real).sum(1) / lengths[:, None].to(states.dtype)
        mu, log_var = self.head(torch.cat([last, mean], dim=1)).float().chunk(2, dim=1)
        return mu, log_var.clamp(*LOG_VAR_RANGE)


def reorder(states: Tensor, order: Tensor) -> Tensor:
    """Return `states`, (B, T, H), with the steps of each row permuted by `order`, int64 (B, T)."""
    return states.gather(1, order[:, :, None].expand(-1, -1, states.shape[2]))
