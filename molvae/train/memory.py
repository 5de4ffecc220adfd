"""How the process holds memory between training steps."""

import ctypes
import platform

# Parameters of `mallopt`, from glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_BYTES = 1 << 30


def keep_freed_memory() -> None:
    """Let the process keep memory that it frees, up to a gigabyte, for its next allocations.

    By default glibc returns large pieces to the system, which clears them before it gives them out again: on a CPU, a
    tenth of the CPU time of a training step. Other C libraries have no such setting, and none is made there.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for parameter in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
            libc.mallopt(parameter, _BYTES)
