"""A user's own program that reads SMILES and writes numbers, as a quantity."""

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from molvae.errors import ObjectiveError
from molvae.optimize.quantities.base import QUANTITIES, BatchFunction, Failure, Measure, Quantity, per_batch
from molvae.parallel import program_groups
from molvae.section import Positive


def _words(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ValueError(
            f"expected a program and its arguments as in a shell, found {command!r} ({str(error).lower()}); put double "
            'quotes around what has an apostrophe in it: "..."'
        ) from None
    if not words:
        raise ValueError(f"expected a program and its arguments, found {command!r}")
    return command


@QUANTITIES.register("command")
class Command(Quantity):
    """A program and its arguments, your own: reads SMILES on stdin, one a line, and writes a number a line."""

    costly: ClassVar[bool] = True
    external: ClassVar[bool] = True

    command: Annotated[str, AfterValidator(_words)]
    """As in a shell, but without its wildcards, pipes and variables; it runs in the objective file's folder."""
    timeout_s: Annotated[Positive, Field(allow_inf_nan=False)] | None = None
    """Seconds for each molecule that it may take; without it there is no limit."""

    def in_unit_interval(self) -> bool:
        """Say that it may be; its values are checked."""
        return True

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Return those of its words that are files in the folder."""
        _require_program(self.command, folder)
        words = [folder / word for word in shlex.split(self.command)]
        return tuple(word for word in words if word.is_file())

    def measure(self, folder: Path) -> Measure:
        """Return the function that runs the program."""
        return per_batch(command_function(self.command, folder, self.timeout_s))


def command_function(command: str, folder: Path, timeout_s: float | None) -> BatchFunction:
    """Return the function that runs a program on SMILES; it runs in `folder`.

    Args:
        command: The program and its arguments, as in a shell, but without its wildcards, pipes and variables.
        folder: Where a relative path in it starts.
        timeout_s: Seconds for each molecule; when they are over, the program and all it started are ended.

    Raises:
        ObjectiveError: If there is no such program.
    """
    _require_program(command, folder)

    def score(smiles: Sequence[str]) -> list[float | Failure]:
        limit = None if timeout_s is None else timeout_s * len(smiles)
        output = _run(shlex.split(command), "".join(f"{line}\n" for line in smiles), folder, limit)
        values = [_number(line) for line in output.splitlines()]
        if len(values) != len(smiles):
            raise ValueError(_miscounted(output.splitlines(), len(smiles)))
        return values

    return score


def _require_program(command: str, folder: Path) -> None:
    program = shlex.split(command)[0]
    if _is_program(program, folder):
        return
    # The path may have a blank in it, at which it was cut.
    whole = next(
        (command[:i] for i in range(len(command), 0, -1) if _has_blank_and_is_program(command[:i], folder)), None
    )
    hint = (
        ""
        if whole is None
        else f"""; put quotes around a path with blanks: command: '"{whole}"{command[len(whole) :]}'"""
    )
    raise ObjectiveError(f"command: expected a program that can be run, found no {program} (looked in {folder}){hint}")


def _is_program(program: str, folder: Path) -> bool:
    return shutil.which(str(folder / program) if os.sep in program else program) is not None


def _has_blank_and_is_program(text: str, folder: Path) -> bool:
    return " " in text and text == text.strip() and (folder / text).is_file()


def _run(arguments: list[str], text: str, folder: Path, limit_s: float | None) -> str:
    with subprocess.Popen(
        arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        # What is no UTF-8 is no number, and is shown as that.
        errors="replace",
        cwd=folder,
        # A group of its own, so that what the program started ends with it.
        start_new_session=True,
    ) as process:
        program_groups.add(process.pid)
        try:
            output, complaint = process.communicate(text, timeout=limit_s)
        except BaseException:
            # It may have ended by itself.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            program_groups.discard(process.pid)
    if process.returncode:
        last = (complaint.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"exit status {process.returncode}: {last}")
    return output


def _number(line: str) -> float | Failure:
    try:
        return float(line)
    except ValueError:
        return Failure(f"expected a number, found {line.strip()!r}")


def _miscounted(lines: Sequence[str], n: int) -> str:
    """Say which line is probably the one too many."""
    message = f"expected {n} numbers for {n} molecules, found {len(lines)} lines"
    guilty = next((line for line in lines if isinstance(_number(line), Failure)), "".join(lines[n : n + 1]))
    return f"{message}, one of them {guilty.strip()!r}" if guilty else message
