"""Quantities that users bring: a Python function, or a program that reads SMILES and writes numbers."""

import importlib
import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from molvae.errors import ObjectiveError

BatchFunction = Callable[[Sequence[str]], Sequence[float]]


def python_function(reference: str, folder: Path) -> BatchFunction:
    """Import the function `module:function`; the module is installed, or lies in `folder`.

    Raises:
        ObjectiveError: If there is no such module or function.
    """
    module_name, _, function_name = reference.partition(":")
    # Beside the objective file before anything else, and only while importing.
    sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ObjectiveError(
            f"python: expected a module {module_name} that can be imported, installed or in {folder}; found: {error}"
        ) from error
    finally:
        sys.path.remove(str(folder))
    function = getattr(module, function_name, None)
    if not callable(function):
        raise ObjectiveError(f"python: expected a function {function_name} in {module.__file__}, found none")

    def score(smiles: Sequence[str]) -> list[float]:
        return _as_many([float(value) for value in function(list(smiles))], smiles)

    return score


def command_function(command: str, folder: Path, timeout_s: float | None) -> BatchFunction:
    """Return the function that runs a program on SMILES; it runs in `folder`.

    Args:
        command: The program and its arguments, as in a shell, but without its wildcards, pipes and variables.
        folder: Where a relative path in it starts.
        timeout_s: Seconds for each molecule; when they are over, the program and all it started are ended.

    Raises:
        ObjectiveError: If there is no such program.
    """
    arguments = shlex.split(command)
    program = arguments[0]
    if shutil.which(str(folder / program) if os.sep in program else program) is None:
        raise ObjectiveError(f"command: expected a program that can be run, found no {program} (looked in {folder})")

    def score(smiles: Sequence[str]) -> list[float]:
        limit = None if timeout_s is None else timeout_s * len(smiles)
        output = _run(arguments, "".join(f"{each}\n" for each in smiles), folder, limit)
        return _as_many([_number(line) for line in output.splitlines()], smiles)

    return score


def _run(arguments: list[str], text: str, folder: Path, limit_s: float | None) -> str:
    with subprocess.Popen(
        arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=folder,
        # A group of its own, so that what the program started ends with it.
        start_new_session=True,
    ) as process:
        try:
            output, complaint = process.communicate(text, timeout=limit_s)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        last = (complaint.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"exit status {process.returncode}: {last}")
    return output


def _number(line: str) -> float:
    try:
        return float(line)
    except ValueError:
        return math.nan


def _as_many(values: list[float], smiles: Sequence[str]) -> list[float]:
    if len(values) != len(smiles):
        raise ValueError(f"expected {len(smiles)} numbers for {len(smiles)} molecules, found {len(values)}")
    return values
