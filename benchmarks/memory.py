"""How much memory a program takes."""

import contextlib
import subprocess
import time

import psutil


def peak_memory(process: "subprocess.Popen[bytes]") -> int:
    """Return the most memory in bytes that a process and those it starts hold at a time, shared pages counted once."""
    peak = 0
    while process.poll() is None:
        held = 0
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(process.pid)
            for each in [parent, *parent.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    held += each.memory_full_info().pss
        peak = max(peak, held)
        time.sleep(0.2)
    return peak
