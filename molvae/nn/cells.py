"""Recurrent cells and activations by name."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from molvae.config import ModelConfig
from molvae.registry import Registry

States = tuple[Tensor, ...]


@dataclass(frozen=True)
class Cell:
    """A recurrent cell.

    Attributes:
        layer: torch's layer, for whole sequences.
        n_states: Tensors that make up its state, the output first.
        step: One step of the same cell: from the gates' contributions of the input and of the state, (B, gates) each,
            and the state, (B, H) each, to the next state.
    """

    layer: type[nn.GRU] | type[nn.LSTM]
    n_states: int
    step: Callable[[Tensor, Tensor, States], States]


def tanh(x: Tensor) -> Tensor:
    """Return tanh, in the shape of x, from the sigmoid, which torch evaluates several times as fast on a CPU."""
    return (2.0 * x).sigmoid_().mul_(2.0).sub_(1.0)


def gru_step(from_input: Tensor, from_state: Tensor, states: States) -> States:
    """Return the next state, (B, H), by torch's definition of nn.GRU; the two inputs are (B, 3 H)."""
    (h,) = states
    size = h.shape[1]
    reset, update = (from_input[:, : 2 * size] + from_state[:, : 2 * size]).sigmoid_().chunk(2, dim=1)
    new = tanh(torch.addcmul(from_input[:, 2 * size :], reset, from_state[:, 2 * size :]))
    return (torch.lerp(new, h, update),)


def lstm_step(from_input: Tensor, from_state: Tensor, states: States) -> States:
    """Return the next hidden and cell state, (B, H), by torch's definition of nn.LSTM; the two inputs are (B, 4 H)."""
    i, f, g, o = (from_input + from_state).chunk(4, dim=1)
    c = torch.sigmoid(f) * states[1] + torch.sigmoid(i) * tanh(g)
    return torch.sigmoid(o) * tanh(c), c


# On a CPU, torch runs a whole sequence of an LSTM as one oneDNN primitive, and that of a GRU as some ten operations a
# step: with AVX-512 or AMX and bfloat16, an LSTM trains about twice as fast as a GRU of the same hidden size.
CELLS: Registry[Cell] = Registry("recurrent cell")
CELLS.register("gru")(Cell(nn.GRU, 1, gru_step))
CELLS.register("lstm")(Cell(nn.LSTM, 2, lstm_step))

ACTIVATIONS: Registry[type[nn.Module]] = Registry("activation")
ACTIVATIONS.register("tanh")(nn.Tanh)
ACTIVATIONS.register("relu")(nn.ReLU)
ACTIVATIONS.register("gelu")(nn.GELU)
ACTIVATIONS.register("silu")(nn.SiLU)


def activation(config: ModelConfig) -> nn.Module:
    """Return the activation of the dense heads."""
    return ACTIVATIONS[config.activation]()


def recurrent_layer(config: ModelConfig, input_size: int, hidden_size: int) -> nn.GRU | nn.LSTM:
    """Return one layer, in one direction, that reads (T, B, input_size)."""
    layer = CELLS[config.cell].layer(input_size, hidden_size)
    # Orthogonal recurrent weights preserve gradients over sequences of 40 tokens and more (Saxe et al., 2014,
    # arXiv:1312.6120).
    for gate in torch.split(gate_weights(layer)[1].data, hidden_size):
        nn.init.orthogonal_(gate)
    return layer


def gate_weights(layer: nn.RNNBase) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the weights on the input and on the state, (gates, size) each, and the two biases, (gates,) each."""
    on_input, on_state, input_bias, state_bias = layer.all_weights[0]
    return on_input, on_state, input_bias, state_bias
