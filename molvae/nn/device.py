"""Which device to compute on, and in which number format."""

from contextlib import AbstractContextManager, nullcontext

import torch

from molvae.errors import ConfigError
from molvae.nn.cells import CELLS


def choose_device(name: str = "auto") -> torch.device:
    """Return the device for `auto`, `cpu` or `cuda`.

    Raises:
        ConfigError: If CUDA is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device: expected a CUDA GPU, found none; use auto or cpu")
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def gains_from_bfloat16(device: torch.device) -> bool:
    """Say whether recurrent layers run faster in bfloat16 than in float32, and train as well.

    On CUDA they do not: autocast runs cuDNN's recurrent layers in float16 whatever the type requested, which would
    need gradient scaling. In float32 cuDNN uses the TF32 units by itself.
    """
    if device.type == "cuda":
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def require_precision(device: torch.device, precision: str, cell: str) -> None:
    """Refuse to train in bfloat16 where recurrent layers have none.

    On CUDA it would be float16 without gradient scaling (`gains_from_bfloat16`). On a CPU torch hands an LSTM to
    oneDNN, which has one in bfloat16 only for CPUs with certain instructions, and fails at the first step on others.

    Args:
        device: Where the networks are trained.
        precision: `auto`, `float32` or `bfloat16`.
        cell: Their recurrent cell.

    Raises:
        ConfigError: If recurrent layers do not run in this format on the device.
    """
    if precision != "bfloat16":
        return
    if device.type == "cuda":
        raise ConfigError(
            "train.precision: expected auto or float32 on a CUDA GPU, whose recurrent layers have no bfloat16, found "
            "bfloat16; remove the setting, or use device=cpu"
        )
    if not _has_bfloat16(device, cell):
        raise ConfigError(
            f"train.precision: expected auto or float32 on this CPU, which has no {cell} in bfloat16, found bfloat16; "
            "remove the setting"
        )


def _has_bfloat16(device: torch.device, cell: str) -> bool:
    layer = CELLS[cell].layer(1, 1).to(device)
    try:
        with torch.autocast(device.type, torch.bfloat16):
            layer(torch.zeros(1, 1, 1, device=device))
    except RuntimeError:
        return False
    return True


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Return a context in which matrix products run in `precision`: `auto`, `float32` or `bfloat16`."""
    if precision == "float32" or (precision == "auto" and not gains_from_bfloat16(device)):
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)
