"""What every registered recurrent cell and activation must do."""

import pytest
import torch

from molvae.config import ModelConfig
from molvae.nn.cells import ACTIVATIONS, CELLS, gate_weights, recurrent_layer


@pytest.fixture(params=CELLS)
def cell_name(request):
    return request.param


def test_a_step_is_one_of_the_layers_steps(cell_name):
    torch.manual_seed(0)
    cell = CELLS[cell_name]
    layer = recurrent_layer(ModelConfig(cell=cell_name), 5, 7)
    inputs = torch.randn(4, 3, 5)
    on_input, on_state, input_bias, state_bias = gate_weights(layer)
    state = tuple(torch.zeros(3, 7) for _ in range(cell.n_states))
    with torch.no_grad():
        expected, _ = layer(inputs)
        for step in range(4):
            from_input = inputs[step] @ on_input.T + input_bias
            state = cell.step(from_input, state[0] @ on_state.T + state_bias, state)
            torch.testing.assert_close(state[0], expected[step], atol=1e-5, rtol=1e-5)
    assert len(state) == cell.n_states


def test_recurrent_weights_are_orthogonal(cell_name):
    on_state = gate_weights(recurrent_layer(ModelConfig(cell=cell_name), 5, 7))[1]
    for gate in torch.split(on_state, 7):
        torch.testing.assert_close(gate @ gate.T, torch.eye(7), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_elementwise_and_finite_with_a_finite_gradient(name):
    x = torch.linspace(-30.0, 30.0, 61, requires_grad=True)
    y = ACTIVATIONS[name]()(x)
    torch.testing.assert_close(y.flip(0), ACTIVATIONS[name]()(x.flip(0)))
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.isfinite(y).all()
    assert torch.isfinite(gradient).all()
