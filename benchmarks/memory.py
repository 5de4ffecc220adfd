"""Peak memory of a program."""

import contextlib
import subprocess
import time

import psutil


def peak_memory(process: "subprocess.Popen[bytes]") -> int:
    """Return the peak memory in bytes of a process and its children together, with shared pages counted once."""
    peak = 0
    while process.poll() is None:
        total = 0
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(process.pid)
            for member in [parent, *parent.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    total += member.memory_full_info().pss
        peak = max(peak, total)
        time.sleep(0.2)
    return peak
