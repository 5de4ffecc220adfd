"""Recurrent cells and activations by name."""

import torch
from torch import Tensor, nn

from molvae.config import ModelConfig
from molvae.registry import Registry

CELLS: Registry[type[nn.GRU] | type[nn.LSTM]] = Registry("recurrent cell")
CELLS.register("gru")(nn.GRU)
CELLS.register("lstm")(nn.LSTM)

ACTIVATIONS: Registry[type[nn.Module]] = Registry("activation")
for name, module in {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}.items():
    ACTIVATIONS.register(name)(module)


def activation(config: ModelConfig) -> nn.Module:
    """Return the activation of the dense heads."""
    return ACTIVATIONS[config.activation]()


def recurrent_layer(config: ModelConfig, input_size: int, hidden_size: int) -> nn.GRU | nn.LSTM:
    """Return one layer, in one direction, that reads (B, T, input_size)."""
    layer = CELLS[config.cell](input_size, hidden_size, batch_first=True)
    # Orthogonal recurrent weights keep gradients alive over the 40 and more steps of a molecule (Saxe et al., 2014,
    # arXiv:1312.6120).
    for gate in torch.split(gate_weights(layer)[1].data, hidden_size):
        nn.init.orthogonal_(gate)
    return layer


def gate_weights(layer: nn.RNNBase) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the weights on the input and on the state, (gates, size) each, and the two biases, (gates,) each."""
    on_input, on_state, input_bias, state_bias = layer.all_weights[0]
    return on_input, on_state, input_bias, state_bias
