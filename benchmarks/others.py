"""Run scripts of this folder in a separate interpreter, with other packages installed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class PeerError(Exception):
    """Other packages did not run here."""


def run_other(script: str, files: list[Path], n_jobs: int, environment: dict[str, str]) -> dict[str, Any]:
    """Run a script of this folder in a separate interpreter, and return the JSON object that it prints.

    Raises:
        PeerError: If it fails, with the last line that it said.
    """
    command = [sys.executable, str(HERE / script), *map(str, files), str(n_jobs)]
    outcome = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    if outcome.returncode:
        last = (outcome.stderr.strip().splitlines() or ["nothing said"])[-1]
        raise PeerError(f"{script}: expected it to succeed, found status {outcome.returncode}: {last}")
    return json.loads(outcome.stdout)
