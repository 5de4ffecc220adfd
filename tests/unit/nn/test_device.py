import pytest
import torch

from molvae.errors import ConfigError
from molvae.nn.device import require_precision


def test_bfloat16_is_refused_on_a_gpu_where_recurrent_layers_would_run_in_float16():
    with pytest.raises(ConfigError, match=r"train\.precision: expected auto or float32 on a CUDA GPU.*found bfloat16"):
        require_precision(torch.device("cuda"), "bfloat16")


@pytest.mark.parametrize(
    ("device", "precision"), [("cuda", "auto"), ("cuda", "float32"), ("cpu", "bfloat16"), ("cpu", "auto")]
)
def test_what_is_computed_as_it_is_called_is_accepted(device, precision):
    require_precision(torch.device(device), precision)
