"""Run scripts of this folder in a separate interpreter, with other packages installed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def run_other(script: str, files: list[Path], n_jobs: int, environment: dict[str, str]) -> dict[str, Any]:
    """Run a script of this folder in a separate interpreter, and return the JSON object that it prints."""
    command = [sys.executable, str(HERE / script), *map(str, files), str(n_jobs)]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    outcome = subprocess.run(command, env=os.environ | environment, check=True, **quiet)
    return json.loads(outcome.stdout)
