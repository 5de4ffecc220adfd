import pytest
import torch

from molvae.errors import ConfigError
from molvae.nn.cells import CELLS
from molvae.nn.device import require_precision


def test_bfloat16_is_refused_on_a_gpu_where_recurrent_layers_would_run_in_float16():
    with pytest.raises(ConfigError, match=r"train\.precision: expected auto or float32 on a CUDA GPU.*found bfloat16"):
        require_precision(torch.device("cuda"), "bfloat16", "gru")


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_bfloat16_is_refused_on_a_cpu_that_cannot_train_with_it(cell):
    layer, x = CELLS[cell].layer(8, 16), torch.randn(5, 4, 8)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            layer(x)[0].sum().backward()
    except RuntimeError:
        with pytest.raises(ConfigError, match=rf"train\.precision: .*on this CPU, which has no {cell} in bfloat16"):
            require_precision(torch.device("cpu"), "bfloat16", cell)
    else:
        require_precision(torch.device("cpu"), "bfloat16", cell)


@pytest.mark.parametrize(
    ("device", "precision"), [("cuda", "auto"), ("cuda", "float32"), ("cpu", "float32"), ("cpu", "auto")]
)
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_what_is_computed_as_it_is_called_is_accepted(device, precision, cell):
    require_precision(torch.device(device), precision, cell)
