"""A user's own program that reads SMILES and writes numbers, as a quantity."""

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from molvae.errors import ObjectiveError
from molvae.optimize.quantities.base import (
    QUANTITIES,
    BatchFunction,
    Failure,
    Measure,
    PartialAnswerError,
    Quantity,
    per_batch,
)
from molvae.section import Positive

# Of a program's standard error, what a message shows: its last lines, and no more characters of them.
STDERR_LINES = 3
STDERR_LENGTH = 300
# How long the output of a program that was ended is read.
SECONDS_TO_READ = 5.0


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

    example: ClassVar[str] = "command: 'python dock.py --receptor protein.pdbqt'"

    costly: ClassVar[bool] = True
    external: ClassVar[bool] = True

    command: Annotated[str, AfterValidator(_words)]
    """As in a shell, but without its wildcards, pipes and variables; it runs in the objective file's folder."""
    timeout_s: Annotated[Positive, Field(allow_inf_nan=False)] | None = None
    """Seconds for each molecule that it may take; without it there is no limit."""

    memory_gb: Annotated[Positive, Field(allow_inf_nan=False)] | None = None
    """Gigabytes of address space that it and each program that it starts may take; without it there is no limit. It
    holds on Linux only."""

    @property
    def limit_s(self) -> float | None:
        """Seconds that it may take for a molecule; None without a limit."""
        return self.timeout_s

    def in_unit_interval(self) -> bool:
        """Say that it may be; its values are checked."""
        return True

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Return those of its words that are files, seen from the folder, as is FILE in --receptor=FILE."""
        _require_program(self.command, folder)
        words = shlex.split(self.command)
        paths = [folder / path for word in words for path in (word, word.partition("=")[2]) if path]
        return tuple(path for path in paths if _exists(path) and path.is_file())

    def measure(self, folder: Path) -> Measure:
        """Return the function that runs the program."""
        return per_batch(command_function(self.command, folder, self.timeout_s, self.memory_gb))


def command_function(
    command: str, folder: Path, timeout_s: float | None, memory_gb: float | None = None
) -> BatchFunction:
    """Return the function that runs a program on SMILES; it runs in `folder`.

    Args:
        command: The program and its arguments, as in a shell, but without its wildcards, pipes and variables.
        folder: Where a relative path in it starts.
        timeout_s: Seconds for each molecule; when they are over, the program and all it started are ended.
        memory_gb: Gigabytes of address space that each of them may take.

    Raises:
        ObjectiveError: If there is no such program.
    """
    _require_program(command, folder)

    def score(smiles: Sequence[str]) -> list[float | Failure]:
        limit = None if timeout_s is None else timeout_s * len(smiles)
        run = _run(shlex.split(command), "".join(f"{line}\n" for line in smiles), folder, limit, memory_gb)
        values = [_number(line, run.complaint) for line in run.output.splitlines()]
        if run.fault:
            # What it wrote line by line before it ended belongs to the first molecules; a last half of a line, or text
            # among the numbers, leaves open which is whose.
            in_order = run.output.endswith("\n") and not any(isinstance(value, Failure) for value in values)
            if in_order and 0 < len(values) <= len(smiles):
                raise PartialAnswerError(run.fault, values)
            raise RuntimeError(run.fault + run.complaint)
        if len(values) != len(smiles):
            raise ValueError(_miscounted(run.output.splitlines(), len(smiles)) + run.complaint)
        return values

    return score


def _require_program(command: str, folder: Path) -> None:
    program, *arguments = shlex.split(command)
    if not _is_program(program, folder):
        hint = _quoting_hint(command, 0, folder)
        raise ObjectiveError(
            f"command: expected a program that can be run, found no {program} (looked in {folder}){hint}"
        )
    for argument in arguments:
        hint = "" if _exists(folder / argument) else _quoting_hint(command, command.find(argument), folder)
        if hint:
            raise ObjectiveError(f"command: expected a file {argument}, found none (looked in {folder}){hint}")


def _exists(path: Path) -> bool:
    """Say whether there is such a path; of what is too long for a name, pathlib raises."""
    with suppress(OSError):
        return path.exists()
    return False


def _quoting_hint(command: str, start: int, folder: Path) -> str:
    """Return how to write a path with blanks that begins at `start`, if a file is there."""
    for end in range(len(command), start, -1):
        path = command[start:end]
        if " " in path and path == path.strip() and _exists(folder / path) and (folder / path).is_file():
            return f"""; put quotes around a path with blanks: command: '{command[:start]}"{path}"{command[end:]}'"""
    return ""


def _is_program(program: str, folder: Path) -> bool:
    return shutil.which(str(folder / program) if os.sep in program else program) is not None


@dataclass(frozen=True)
class _Run:
    """What came of running a program.

    Attributes:
        output: Its standard output.
        complaint: The last lines of its standard error, to be added to a message; empty if there are none.
        fault: Why it ended before its time; empty if it did not.
    """

    output: str
    complaint: str
    fault: str


def _run(arguments: list[str], text: str, folder: Path, limit_s: float | None, memory_gb: float | None) -> _Run:
    with (
        subprocess.Popen(
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
        ) as process,
        _ended_with_this_process(process.pid),
    ):
        if memory_gb is not None:
            _limit_memory(process.pid, int(memory_gb * 1e9))
        fault = ""
        try:
            output, complaint = process.communicate(text, timeout=limit_s)
        except subprocess.TimeoutExpired:
            fault = f"no answer within {limit_s:g} s"
            _end_group(process.pid)
            # What it had written till then; not for long, since a child of a group of its own may hold the pipes open.
            output, complaint = "", ""
            with suppress(subprocess.TimeoutExpired):
                output, complaint = process.communicate(timeout=SECONDS_TO_READ)
        except BaseException:
            _end_group(process.pid)
            raise
    return _Run(output, _last_lines(complaint), fault or _ending(process.returncode))


@contextmanager
def _ended_with_this_process(group: int) -> Iterator[None]:
    """End a process group when this process dies within the block, also if it is killed and can do nothing any more.

    A shell waits for the end of a pipe that this process alone holds open.
    """
    with subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _; kill -s KILL -- "-$0"', str(group)],
        stdin=subprocess.PIPE,
        # Ctrl-C is not for it.
        start_new_session=True,
    ) as watcher:
        try:
            yield
        finally:
            watcher.kill()


def _limit_memory(process: int, n_bytes: int) -> None:
    """Limit the address space of a process, and of those that it starts from now on, where the system can."""
    import resource

    # It may have ended by itself.
    if hasattr(resource, "prlimit"):
        with suppress(ProcessLookupError):
            resource.prlimit(process, resource.RLIMIT_AS, (n_bytes, n_bytes))


def _end_group(group: int) -> None:
    # It may have ended by itself.
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _ending(status: int) -> str:
    """Return how a program ended, in words; empty if as it should."""
    if status >= 0:
        return f"exit status {status}" if status else ""
    names = {number.value: number.name for number in signal.Signals}
    return f"ended by {names.get(-status, f'signal {-status}')}"


def _last_lines(complaint: str) -> str:
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    return f": {' | '.join(lines[-STDERR_LINES:])[-STDERR_LENGTH:]}" if lines else ""


def _number(line: str, complaint: str = "") -> float | Failure:
    try:
        return float(line)
    except ValueError:
        return Failure(f"expected a number, found {line.strip()!r}{complaint}")


def _miscounted(lines: Sequence[str], n: int) -> str:
    """Say which line is probably the one too many."""
    message = f"expected {n} numbers for {n} molecules, found {len(lines)} lines"
    guilty = next((line for line in lines if isinstance(_number(line), Failure)), "".join(lines[n : n + 1]))
    return f"{message}, one of them {guilty.strip()!r}" if guilty else message
